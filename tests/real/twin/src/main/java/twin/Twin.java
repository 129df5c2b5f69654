package twin;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;

import com.fasterxml.jackson.databind.ObjectMapper;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.messaging.MessageHeaders;
import org.springframework.messaging.support.MessageBuilder;
import org.springframework.util.MimeTypeUtils;

/**
 * A Java service beside ours, for tests: announces the alerts that it reads from standard input, a line of JSON each, and
 * handles those of the topic. The profile <code>annotation</code> or <code>functional</code> says in which style. Says
 * <code>ready</code>, and <code>sent</code> after each announcement; ends with its input.
 */
@SpringBootApplication
public class Twin {

    public static void main(String[] arguments) throws IOException {
        try (var context = SpringApplication.run(Twin.class, arguments)) {
            var announce = context.getBean(Announce.class);
            var json = context.getBean(ObjectMapper.class);
            var lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
            System.out.println("ready");
            for (var line = lines.readLine(); line != null; line = lines.readLine()) {
                // The header is a MimeType and no text, as it is in the tutorial: that is why it has quotes on the wire.
                announce.announce(MessageBuilder
                    .withPayload(json.readValue(line, Alert.class))
                    .setHeader(MessageHeaders.CONTENT_TYPE, MimeTypeUtils.APPLICATION_JSON)
                    .build());
                System.out.println("sent");
            }
        }
    }
}
