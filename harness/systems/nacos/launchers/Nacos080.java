package ackproof;

import com.alibaba.nacos.naming.misc.Switch;
import java.lang.reflect.Field;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.web.servlet.ServletComponentScan;
import org.springframework.scheduling.annotation.EnableScheduling;

/**
 * Starts naming of Nacos 0.8.0, whose console, which has its main class, is not published.
 *
 * It says what its own address is, since the one of the host's name is not the one of a network namespace.
 */
@SpringBootApplication(
        scanBasePackages = {"com.alibaba.nacos.naming", "com.alibaba.nacos.core", "com.alibaba.nacos.cmdb"})
@ServletComponentScan("com.alibaba.nacos")
@EnableScheduling
public class Nacos080 {
    public static void main(String[] args) throws Exception {
        Field own = Class.forName("com.alibaba.nacos.naming.misc.NetUtils").getDeclaredField("serverAddress");
        own.setAccessible(true);
        own.set(null, System.getProperty("nacos.server.ip"));
        Switch.setDefaultHealthCheckMode(System.getProperty("ackproof.healthCheckMode", "client"));
        SpringApplication.run(Nacos080.class, args);
    }
}
