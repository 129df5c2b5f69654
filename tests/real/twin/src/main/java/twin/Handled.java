package twin;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;

import com.fasterxml.jackson.databind.ObjectMapper;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.kafka.support.KafkaHeaders;
import org.springframework.messaging.Message;
import org.springframework.messaging.MessageHeaders;
import org.springframework.stereotype.Component;

/** The file of what was handled. A line is complete before the binder commits the record's offset. */
@Component
public class Handled {

    private final Path file;
    private final long effort;
    private final ObjectMapper json;

    Handled(@Value("${twin.handled}") Path file, @Value("${twin.effort}") long effort, ObjectMapper json) {
        this.file = file;
        this.effort = effort;
        this.json = json;
    }

    void add(Message<Alert> message) {
        var line = new LinkedHashMap<String, Object>();
        line.put("storeName", message.getPayload().storeName());
        line.put("storeStatus", message.getPayload().storeStatus());
        line.put("partition", message.getHeaders().get(KafkaHeaders.RECEIVED_PARTITION_ID));
        line.put("offset", message.getHeaders().get(KafkaHeaders.OFFSET));
        line.put("contentType", String.valueOf(message.getHeaders().get(MessageHeaders.CONTENT_TYPE)));
        try {
            Thread.sleep(effort);
            Files.writeString(file, json.writeValueAsString(line) + "\n", StandardCharsets.UTF_8,
                StandardOpenOption.CREATE, StandardOpenOption.APPEND);
        } catch (IOException cause) {
            throw new UncheckedIOException(cause);
        } catch (InterruptedException cause) {
            throw new IllegalStateException(cause);
        }
    }
}
