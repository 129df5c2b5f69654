package clients;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.Map;

import com.fasterxml.jackson.databind.ObjectMapper;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.cloud.client.loadbalancer.LoadBalanced;
import org.springframework.context.annotation.Bean;
import org.springframework.web.client.RestTemplate;

/**
 * A service that finds others, is found and reads its configuration, all by Spring Cloud's starters. Says
 * <code>{"ready": true}</code> when it has started; then answers each question from standard input, a JSON array on a line, with
 * a line of JSON. Ends with its input, in good order.
 */
@SpringBootApplication
public class Client {

    public static void main(String[] arguments) throws IOException {
        try (var context = SpringApplication.run(Client.class, arguments)) {
            var questions = context.getBean(Questions.class);
            var json = context.getBean(ObjectMapper.class);
            var lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
            System.out.println("{\"ready\": true}");
            for (var line = lines.readLine(); line != null; line = lines.readLine()) {
                System.out.println(json.writeValueAsString(answer(questions, json.readValue(line, String[].class))));
            }
        }
    }

    private static Object answer(Questions questions, String[] question) {
        try {
            return questions.answer(question);
        } catch (RuntimeException failure) {
            return Map.of("error", failure.toString());
        }
    }

    @Bean
    @LoadBalanced
    RestTemplate balanced() {
        return new RestTemplate();
    }
}
