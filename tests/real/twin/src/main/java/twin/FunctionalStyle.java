package twin;

import java.util.function.Consumer;

import org.springframework.cloud.stream.function.StreamBridge;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Profile;
import org.springframework.messaging.Message;

/** Bindings as functions, the style of newer services. */
@Configuration
@Profile("functional")
public class FunctionalStyle {

    @Bean
    Announce announce(StreamBridge bridge) {
        return message -> bridge.send("binding-out-store-alert", message);
    }

    @Bean
    Consumer<Message<Alert>> alerts(Handled handled) {
        return handled::add;
    }
}
