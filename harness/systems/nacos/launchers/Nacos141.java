package ackproof;

import com.alibaba.nacos.auth.AuthManager;
import com.alibaba.nacos.auth.model.Permission;
import com.alibaba.nacos.auth.model.User;
import com.alibaba.nacos.core.code.ControllerMethodsCache;
import javax.annotation.PostConstruct;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.web.servlet.ServletComponentScan;
import org.springframework.context.annotation.Bean;
import org.springframework.scheduling.annotation.EnableScheduling;
import org.springframework.security.config.annotation.web.builders.WebSecurity;
import org.springframework.security.config.annotation.web.configuration.WebSecurityConfigurerAdapter;

/**
 * Starts naming and configurations of Nacos 1.4.1 without its console, which has its main class.
 *
 * The console would also bring the check of users and the list of the controllers' methods: here all requests
 * are allowed.
 */
@SpringBootApplication(scanBasePackages = "com.alibaba.nacos")
@ServletComponentScan("com.alibaba.nacos")
@EnableScheduling
public class Nacos141 {
    @Autowired
    private ControllerMethodsCache methods;

    @PostConstruct
    public void listMethods() {
        methods.initClassMethod("com.alibaba.nacos.core.controller");
        methods.initClassMethod("com.alibaba.nacos.naming.controllers");
        methods.initClassMethod("com.alibaba.nacos.config.server.controller");
    }

    public static void main(String[] args) {
        SpringApplication.run(Nacos141.class, args);
    }

    @Bean
    public AuthManager nobodyIsRefused() {
        return new AuthManager() {
            @Override
            public User login(Object request) {
                return new User();
            }

            @Override
            public void auth(Permission permission, User user) {
            }
        };
    }

    @Bean
    public WebSecurityConfigurerAdapter noRequestIsChecked() {
        return new WebSecurityConfigurerAdapter() {
            @Override
            public void configure(WebSecurity web) {
                web.ignoring().antMatchers("/**");
            }
        };
    }
}
