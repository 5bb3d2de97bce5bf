// Logs in, and registers one instance; says whether it was taken.
package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/nacos-group/nacos-sdk-go/v2/clients"
	"github.com/nacos-group/nacos-sdk-go/v2/common/constant"
	"github.com/nacos-group/nacos-sdk-go/v2/vo"
)

func main() {
	host, text, _ := strings.Cut(os.Args[1], ":")
	port, _ := strconv.ParseUint(text, 10, 64)
	servers := []constant.ServerConfig{{IpAddr: host, Port: port, ContextPath: "/nacos"}}
	settings := constant.ClientConfig{TimeoutMs: 5000, NotLoadCacheAtStart: true, LogDir: "log", CacheDir: "cache",
		Username: "nacos", Password: os.Args[2]}
	naming, err := clients.NewNamingClient(vo.NacosClientParam{ClientConfig: &settings, ServerConfigs: servers})
	done := false
	if err == nil {
		done, err = naming.RegisterInstance(vo.RegisterInstanceParam{Ip: "10.0.0.1", Port: 80, Weight: 1, Enable: true,
			Healthy: true, Ephemeral: false, ServiceName: "web"})
	}
	fmt.Fprintln(os.Stderr, err)
	fmt.Println(map[bool]string{true: "True", false: "False"}[done && err == nil])
}
