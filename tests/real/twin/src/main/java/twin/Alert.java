package twin;

import com.fasterxml.jackson.annotation.JsonPropertyOrder;

/** What the topic carries. */
@JsonPropertyOrder({"storeName", "storeStatus"})
public record Alert(String storeName, String storeStatus) {
}
