package io.idem.spring.rocketmq;

import io.idem.core.Attempt;
import io.idem.messaging.DeliveryDecision;
import io.idem.messaging.DeliveryParkedException;
import io.idem.messaging.Inbox;
import io.idem.rocketmq.InboxConsumer;
import io.idem.spring.ListenerCall;
import java.lang.reflect.UndeclaredThrowableException;
import java.util.List;
import java.util.function.Supplier;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyContext;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.ConsumeOrderlyContext;
import org.apache.rocketmq.client.consumer.listener.ConsumeOrderlyStatus;
import org.apache.rocketmq.client.producer.MQProducer;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.spring.support.DefaultRocketMQListenerContainer;
import org.jspecify.annotations.Nullable;

/**
 * What a consumer calls in the place of its container's listener: gives each message of a batch to
 * the container, inside of the inbox. Thread-safe, as far as the listener is.
 */
final class InboxListener {

  private final DefaultRocketMQListenerContainer container;
  private final Supplier<DefaultRocketMQListenerContainer> asBean;
  private final Supplier<Inbox<MessageExt>> inbox;
  private final InboxSettings settings;
  private volatile @Nullable InboxConsumer consumer;

  /**
   * Creates a listener.
   *
   * @param container the container
   * @param asBean the same, as the application has it: with advice, if it puts some around
   * @param inbox the inbox
   * @param settings how messages are treated that cannot be consumed
   */
  InboxListener(
      DefaultRocketMQListenerContainer container,
      Supplier<DefaultRocketMQListenerContainer> asBean,
      Supplier<Inbox<MessageExt>> inbox,
      InboxSettings settings) {
    this.container = container;
    this.asBean = asBean;
    this.inbox = inbox;
    this.settings = settings;
  }

  ConsumeConcurrentlyStatus concurrently(
      List<MessageExt> messages, ConsumeConcurrentlyContext context) {
    context.setDelayLevelWhenNextConsume(container.getDelayLevelWhenNextConsume());
    return consumer().concurrently(this::handle).consumeMessage(messages, context);
  }

  ConsumeOrderlyStatus orderly(List<MessageExt> messages, ConsumeOrderlyContext context) {
    context.setSuspendCurrentQueueTimeMillis(container.getSuspendCurrentQueueTimeMillis());
    return consumer().orderly(this::handle).consumeMessage(messages, context);
  }

  private void handle(MessageExt message, Attempt attempt) throws Exception {
    new ListenerCall(
            received -> asBean.get().handleMessage((MessageExt) received),
            UndeclaredThrowableException.class) // of a listener that is a proxy
        .proceed(message, attempt);
  }

  /** Made when the client has been started, and its producer with it. */
  private InboxConsumer consumer() {
    InboxConsumer made = consumer;
    if (made == null) {
      MQProducer producer = producerOf(container.getConsumer());
      InboxSettings.Parking parking = settings.parking();
      made =
          new InboxConsumer(
                  inbox.get(),
                  producer,
                  parking == null ? InboxListener::leave : parking.with(producer))
              .waitForBusy(settings.waitForBusy(), settings.busyDelayLevel());
      consumer = made;
    }
    return made;
  }

  /** The one that the client itself sends to retry topics with, and the container sends replies. */
  @SuppressWarnings("deprecation") // there is no other way to it
  private static MQProducer producerOf(DefaultMQPushConsumer consumer) {
    return consumer.getDefaultMQPushConsumerImpl().getmQClientFactory().getDefaultMQProducer();
  }

  private static void leave(MessageExt message, DeliveryDecision.Park why) {
    throw new DeliveryParkedException(why);
  }
}
