package io.idem.rocketmq;

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
      if (!MessageConst.STRING_HASH_SET.contains(property.getKey())) {
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
   * message back, but with the number of failures as it was.
   */
  static Message again(MessageExt message, String consumerGroup, int delayLevel) {
    Message again = copy(message, MixAll.getRetryTopic(consumerGroup));
    String origin = MessageAccessor.getOriginMessageId(message);
    MessageAccessor.setOriginMessageId(
        again, origin == null || origin.isBlank() ? message.getMsgId() : origin);
    String uniqueKey = message.getProperty(MessageConst.PROPERTY_UNIQ_CLIENT_MESSAGE_ID_KEYIDX);
    if (uniqueKey != null) {
      MessageAccessor.putProperty(
          again, MessageConst.PROPERTY_UNIQ_CLIENT_MESSAGE_ID_KEYIDX, uniqueKey);
    }
    MessageAccessor.putProperty(again, MessageConst.PROPERTY_RETRY_TOPIC, message.getTopic());
    MessageAccessor.setReconsumeTime(again, String.valueOf(message.getReconsumeTimes()));
    again.setDelayTimeLevel(delayLevel);
    return again;
  }
}
