package main

import (
	"encoding/json"
	"fmt"
	"math/rand"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nacos-group/nacos-sdk-go/v2/clients"
	"github.com/nacos-group/nacos-sdk-go/v2/clients/naming_client"
	"github.com/nacos-group/nacos-sdk-go/v2/common/constant"
	"github.com/nacos-group/nacos-sdk-go/v2/model"
	"github.com/nacos-group/nacos-sdk-go/v2/vo"
)

const workers, rounds = 4, 45

type fields map[string]interface{}

var (
	naming  naming_client.INamingClient
	begun   = time.Now()
	talking sync.Mutex
	pushing sync.Mutex
	pushed  = map[string]string{}
)

func say(line fields) {
	talking.Lock()
	defer talking.Unlock()
	line["time"] = time.Since(begun).Nanoseconds()
	text, _ := json.Marshal(line)
	fmt.Println(string(text))
}

func address(key string) string {
	number, _ := strconv.Atoi(key[len(key)-1:])
	if strings.HasPrefix(key, "e") {
		return fmt.Sprintf("10.1.0.%d", number+1)
	}
	return fmt.Sprintf("10.0.0.%d", number+1)
}

type worker struct {
	process, count int
	random         *rand.Rand
}

func (one *worker) act(f, key string, value interface{}) {
	said := func(kind string, value interface{}, more fields) {
		line := fields{"process": one.process, "type": kind, "f": f, "key": key, "value": value}
		for name, field := range more {
			line[name] = field
		}
		say(line)
	}
	said("invoke", value, nil)
	var done bool
	var err error
	if f == "register" {
		done, err = naming.RegisterInstance(vo.RegisterInstanceParam{Ip: address(key), Port: 80, Weight: 1,
			Enable: true, Healthy: true, Ephemeral: strings.HasPrefix(key, "e"), ServiceName: key,
			Metadata: map[string]string{"value": value.(string)}})
	} else {
		done, err = naming.DeregisterInstance(vo.DeregisterInstanceParam{Ip: address(key), Port: 80,
			Ephemeral: strings.HasPrefix(key, "e"), ServiceName: key})
	}
	if err != nil || !done {
		said("info", value, fields{"error": fmt.Sprint(err)})
		one.process += workers
		time.Sleep(700 * time.Millisecond)
		return
	}
	said("ok", value, nil)
}

func (one *worker) work() {
	one.act("register", fmt.Sprintf("ephemeral-%d", one.process), fmt.Sprintf("e%d", one.process))
	for step := 0; step < rounds; step++ {
		key := fmt.Sprintf("persistent-%d", one.random.Intn(6))
		if one.random.Intn(3) > 0 {
			one.count++
			one.act("register", key, fmt.Sprintf("r%d-%d", one.process, one.count))
		} else {
			one.act("deregister", key, nil)
		}
		time.Sleep(30 * time.Millisecond)
	}
}

func again(ask func() error) {
	for attempt := 0; attempt < 20; attempt++ {
		if ask() == nil {
			return
		}
		time.Sleep(500 * time.Millisecond)
	}
}

func subscribe(key string) {
	again(func() error {
		return naming.Subscribe(&vo.SubscribeParam{ServiceName: key,
			SubscribeCallback: func(shown []model.Instance, err error) {
				pushing.Lock()
				defer pushing.Unlock()
				pushed[key] = ""
				if err == nil && len(shown) > 0 {
					pushed[key] = shown[0].Metadata["value"]
				}
			}})
	})
}

// An ephemeral instance in a group and a cluster of its own, which is left when the program ends.
func leave() {
	again(func() error {
		_, err := naming.RegisterInstance(vo.RegisterInstanceParam{Ip: "10.3.0.1", Port: 80, Weight: 1, Enable: true,
			Healthy: true, Ephemeral: true, ServiceName: "left", GroupName: "teams", ClusterName: "c1",
			Metadata: map[string]string{"preserved.heart.beat.interval": "2000",
				"preserved.heart.beat.timeout": "9000", "preserved.ip.delete.timeout": "12000"}})
		return err
	})
	again(func() error {
		listed, err := naming.SelectAllInstances(vo.SelectAllInstancesParam{ServiceName: "left", GroupName: "teams",
			Clusters: []string{"c1"}})
		say(fields{"grouped": len(listed) == 1})
		return err
	})
}

func main() {
	var servers []constant.ServerConfig
	for _, server := range strings.Split(os.Args[1], ",") {
		host, text, _ := strings.Cut(server, ":")
		port, _ := strconv.ParseUint(text, 10, 64)
		servers = append(servers, constant.ServerConfig{IpAddr: host, Port: port, ContextPath: "/nacos"})
	}
	settings := constant.ClientConfig{TimeoutMs: 5000, NotLoadCacheAtStart: true,
		UpdateCacheWhenEmpty: true, LogDir: "log", CacheDir: "cache",
		BeatInterval: 2000}
	parameters := vo.NacosClientParam{ClientConfig: &settings, ServerConfigs: servers}
	var err error
	if naming, err = clients.NewNamingClient(parameters); err != nil {
		panic(err)
	}
	for number := 0; number < 6; number++ {
		subscribe(fmt.Sprintf("persistent-%d", number))
	}
	var all sync.WaitGroup
	for number := 0; number < workers; number++ {
		all.Add(1)
		go func(number int) {
			defer all.Done()
			(&worker{process: number, random: rand.New(rand.NewSource(int64(number)))}).work()
		}(number)
	}
	all.Wait()
	config, err := clients.NewConfigClient(parameters)
	if err != nil {
		panic(err)
	}
	content, heard := fmt.Sprint("content ", time.Now().UnixNano()), make(chan bool, 9)
	again(func() error {
		return config.ListenConfig(vo.ConfigParam{DataId: "settings", Group: "DEFAULT_GROUP",
			OnChange: func(namespace, group, dataId, data string) {
				if data == content {
					heard <- true
				}
			}})
	})
	again(func() error {
		done, err := config.PublishConfig(vo.ConfigParam{DataId: "settings", Group: "DEFAULT_GROUP", Content: content})
		say(fields{"published": done})
		return err
	})
	again(func() error {
		got, err := config.GetConfig(vo.ConfigParam{DataId: "settings", Group: "DEFAULT_GROUP"})
		say(fields{"got": got == content})
		return err
	})
	select {
	case <-heard:
		say(fields{"heard": true})
	case <-time.After(30 * time.Second):
		say(fields{"heard": false})
	}
	again(func() error {
		done, err := config.DeleteConfig(vo.ConfigParam{DataId: "settings", Group: "DEFAULT_GROUP"})
		say(fields{"removed": done})
		return err
	})
	again(func() error {
		listed, err := naming.SelectAllInstances(vo.SelectAllInstancesParam{ServiceName: "ephemeral-0"})
		say(fields{"listed": len(listed)})
		return err
	})
	time.Sleep(15 * time.Second) // a client of v1 asks for its subscriptions every ten seconds
	pushing.Lock()
	for key, shown := range pushed {
		say(fields{"pushed " + key: shown})
	}
	pushing.Unlock()
	leave()
	say(fields{"end": true})
	os.Stdin.Read(make([]byte, 1)) // instances live as long as this process: the test looks them up meanwhile
}
