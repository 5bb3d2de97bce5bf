import com.alibaba.nacos.api.NacosFactory;
import com.alibaba.nacos.api.PropertyKeyConst;
import com.alibaba.nacos.api.config.ConfigService;
import com.alibaba.nacos.api.config.listener.Listener;
import com.alibaba.nacos.api.naming.NamingService;
import com.alibaba.nacos.api.naming.listener.NamingEvent;
import com.alibaba.nacos.api.naming.pojo.Instance;
import java.util.*;
import java.util.concurrent.*;

public class Client {
    static final int WORKERS = 4, ROUNDS = 45;
    static NamingService naming;
    static final Map<String, String> pushed = new ConcurrentHashMap<>();

    interface Ask<T> { T ask() throws Exception; }

    static String text(Object value) {
        if (value == null || value instanceof Boolean || value instanceof Integer) return String.valueOf(value);
        String escaped = value.toString().replace("\\", "\\\\").replace("\"", "'").replaceAll("\\p{Cntrl}", " ");
        return '"' + (escaped.length() > 200 ? escaped.substring(0, 200) : escaped) + '"';
    }

    static synchronized void say(Object... fields) {
        StringBuilder line = new StringBuilder("{");
        for (int at = 0; at < fields.length; at += 2)
            line.append('"').append(fields[at]).append("\": ").append(text(fields[at + 1])).append(", ");
        System.out.println(line.append("\"time\": ").append(System.nanoTime()).append('}'));
        System.out.flush();
    }

    static Instance instance(String key, String value) {
        Instance one = new Instance();
        one.setIp("10." + (key.startsWith("e") ? 1 : 0) + ".0." + (1 + key.charAt(key.length() - 1) - '0'));
        one.setPort(80);
        one.setEphemeral(key.startsWith("e"));
        if (value != null) one.setMetadata(new HashMap<>(Map.of("value", value)));
        return one;
    }

    static class Worker implements Callable<Void> {
        int process, count = 0;
        final Random random;

        Worker(int number) { process = number; random = new Random(number); }

        void act(String f, String key, String value) throws Exception {
            say("process", process, "type", "invoke", "f", f, "key", key, "value", value);
            try {
                String found = value;
                if (f.equals("register")) {
                    naming.registerInstance(key, instance(key, value));
                } else if (f.equals("deregister")) {
                    naming.deregisterInstance(key, instance(key, null));
                } else {
                    List<Instance> listed = naming.getAllInstances(key, new ArrayList<>(), false);
                    found = listed.isEmpty() ? null : listed.get(0).getMetadata().get("value");
                }
                say("process", process, "type", "ok", "f", f, "key", key, "value", found);
            } catch (Exception error) {
                String type = f.equals("lookup") ? "fail" : "info";
                say("process", process, "type", type, "f", f, "key", key, "value", value, "error", error);
                if (type.equals("info")) process += WORKERS;
                Thread.sleep(700);
            }
        }

        public Void call() throws Exception {
            String mine = "ephemeral-" + process;
            act("register", mine, "e" + process);
            for (int step = 0; step < ROUNDS; step++) {
                String key = "persistent-" + random.nextInt(6);
                String f = List.of("register", "register", "deregister", "lookup", "lookup").get(random.nextInt(5));
                act(f, key, f.equals("register") ? "r" + process + "-" + ++count : null);
                if (step % 5 == 4) act("lookup", mine, null);
                Thread.sleep(30);
            }
            return null;
        }
    }

    static <T> T again(Ask<T> ask) throws Exception {
        for (int attempt = 0; ; attempt++) {
            try {
                return ask.ask();
            } catch (Exception error) {
                if (attempt == 19) throw error;
                Thread.sleep(500);
            }
        }
    }

    static void more(Properties properties) throws Exception {
        ConfigService config = NacosFactory.createConfigService(properties);
        BlockingQueue<String> heard = new LinkedBlockingQueue<>();
        String content = "content " + System.nanoTime();
        config.addListener("settings", "DEFAULT_GROUP", new Listener() {
            public Executor getExecutor() { return null; }
            public void receiveConfigInfo(String shown) { if (shown.equals(content)) heard.add(shown); }
        });
        say("published", again(() -> config.publishConfig("settings", "DEFAULT_GROUP", content)));
        say("got", again(() -> config.getConfig("settings", "DEFAULT_GROUP", 3000)).equals(content));
        say("heard", heard.poll(20, TimeUnit.SECONDS) != null);
        say("removed", again(() -> config.removeConfig("settings", "DEFAULT_GROUP")));
        say("services", again(() -> naming.getServicesOfServer(1, 10)).getCount() > 0);
        for (int wait = 0; wait < 100 && !agrees(); wait++) Thread.sleep(200);
        for (Map.Entry<String, String> one : pushed.entrySet()) say("pushed " + one.getKey(), one.getValue());
        say("status", naming.getServerStatus());
    }

    /** Whether each subscription has shown what is there. */
    static boolean agrees() throws Exception {
        for (Map.Entry<String, String> one : pushed.entrySet()) {
            List<Instance> listed = again(() -> naming.getAllInstances(one.getKey(), new ArrayList<>(), false));
            String there = listed.isEmpty() ? "" : listed.get(0).getMetadata().get("value");
            if (!there.equals(one.getValue())) return false;
        }
        return true;
    }

    /** An ephemeral instance in a group and a cluster of its own, which is left when the program ends. */
    static void leave() throws Exception {
        Instance one = new Instance();
        one.setIp("10.3.0.1");
        one.setPort(80);
        one.setClusterName("c1");
        one.setMetadata(new HashMap<>(Map.of("preserved.heart.beat.interval", "2000",
            "preserved.heart.beat.timeout", "9000", "preserved.ip.delete.timeout", "12000")));
        again(() -> { naming.registerInstance("left", "teams", one); return true; });
        int found = 0;
        for (int wait = 0; wait < 50 && found == 0; wait++) {
            found = again(() -> naming.getAllInstances("left", "teams", List.of("c1"), false)).size();
            Thread.sleep(200);
        }
        say("grouped", found == 1);
    }

    public static void main(String[] arguments) throws Exception {
        Properties properties = new Properties();
        properties.put(PropertyKeyConst.SERVER_ADDR, arguments[0]);
        naming = NacosFactory.createNamingService(properties);
        for (int number = 0; number < 6; number++) {
            String key = "persistent-" + number;
            naming.subscribe(key, event -> {
                List<Instance> shown = ((NamingEvent) event).getInstances();
                pushed.put(key, shown.isEmpty() ? "" : shown.get(0).getMetadata().get("value"));
            });
        }
        List<Worker> workers = new ArrayList<>();
        for (int number = 0; number < WORKERS; number++) workers.add(new Worker(number));
        ExecutorService threads = Executors.newFixedThreadPool(WORKERS);
        for (Future<Void> done : threads.invokeAll(workers)) done.get();
        Thread.sleep(8000);
        Worker last = workers.get(0);
        for (int number = 0; number < 6; number++) last.act("lookup", "persistent-" + number, null);
        for (int number = 0; number < WORKERS; number++) {
            last.act("lookup", "ephemeral-" + number, null);
            last.act("deregister", "ephemeral-" + number, null);
            last.act("lookup", "ephemeral-" + number, null);
        }
        more(properties);
        leave();
        say("end", true);
        while (System.in.read() >= 0) { }  // the test looks around while the client lives
        Runtime.getRuntime().halt(0);
    }
}
