package registries;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.cloud.config.server.EnableConfigServer;
import org.springframework.cloud.netflix.eureka.server.EnableEurekaServer;
import org.springframework.context.annotation.Bean;
import org.springframework.security.config.Customizer;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.web.SecurityFilterChain;

/**
 * Spring Cloud's own Eureka and Config servers behind a password, as JHipster puts them together. Says
 * <code>{"port": …}</code> when it answers; ends with its input.
 */
@SpringBootApplication
@EnableEurekaServer
@EnableConfigServer
public class Registry {

    public static void main(String[] arguments) throws Exception {
        try (var context = SpringApplication.run(Registry.class, arguments)) {
            System.out.printf("{\"port\": %s}%n", context.getEnvironment().getProperty("local.server.port"));
            while (System.in.read() >= 0) {
                continue;
            }
        }
    }

    @Bean
    SecurityFilterChain machines(HttpSecurity http) throws Exception {
        return http
            .csrf(csrf -> csrf.disable())
            .authorizeHttpRequests(requests -> requests.anyRequest().authenticated())
            .httpBasic(Customizer.withDefaults())
            .build();
    }
}
