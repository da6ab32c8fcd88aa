package io.idem.rocketmq;

import java.util.HashMap;
import java.util.Map;
import org.apache.rocketmq.common.MixAll;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageAccessor;
import org.apache.rocketmq.common.message.MessageConst;
import org.apache.rocketmq.common.message.MessageExt;

/** Makes a message that was received one that can be sent on. */
final class Resending {

  private Resending() {}

  /** A message with what the producer gave it: body, flag, tags, keys and its own properties. */
  static Message copy(MessageExt message, String topic) {
    Message copy = new Message(topic, message.getBody());
    copy.setFlag(message.getFlag());
    for (Map.Entry<String, String> property : message.getProperties().entrySet()) {
      if (!MessageConst.STRING_HASH_SET.contains(property.getKey())
          && !property.getValue().isBlank()) { // which the client refuses
        copy.putUserProperty(property.getKey(), property.getValue());
      }
    }
    if (message.getTags() != null) {
      copy.setTags(message.getTags());
    }
    if (message.getKeys() != null) {
      copy.setKeys(message.getKeys());
    }
    return copy;
  }

  /**
   * A message for a group's retry topic, as the client makes it when the broker cannot take a
   * message back, but with a number of failures of our own choice.
   */
  static Message again(MessageExt message, String consumerGroup, int failures, int delayLevel) {
    Message again = new Message(MixAll.getRetryTopic(consumerGroup), message.getBody());
    MessageAccessor.setProperties(again, new HashMap<>(message.getProperties()));
    String origin = MessageAccessor.getOriginMessageId(message);
    MessageAccessor.setOriginMessageId(
        again, origin == null || origin.isBlank() ? message.getMsgId() : origin);
    again.setFlag(message.getFlag());
    MessageAccessor.putProperty(again, MessageConst.PROPERTY_RETRY_TOPIC, message.getTopic());
    MessageAccessor.setReconsumeTime(again, String.valueOf(failures));
    MessageAccessor.clearProperty(again, MessageConst.PROPERTY_TRANSACTION_PREPARED);
    again.setDelayTimeLevel(delayLevel);
    return again;
  }
}
