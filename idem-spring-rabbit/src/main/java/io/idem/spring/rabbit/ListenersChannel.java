package io.idem.spring.rabbit;

import com.rabbitmq.client.Channel;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.OptionalLong;
import org.springframework.util.ClassUtils;

/**
 * The channel as a batch listener is given it. Spring's adapter rejects a message that it cannot
 * convert on the channel, and goes on without it: the inbox would take that message for consumed.
 * So rejecting is refused, the adapter throws, and the inbox rejects it. Not thread-safe.
 */
final class ListenersChannel {

  private final Channel channel;
  private OptionalLong refused = OptionalLong.empty();

  ListenersChannel(Channel channel) {
    this.channel = channel;
  }

  /** The delivery that was to be rejected, once. */
  OptionalLong refused() {
    OptionalLong tag = refused;
    refused = OptionalLong.empty();
    return tag;
  }

  Channel proxy() {
    ClassLoader loader = channel.getClass().getClassLoader();
    return (Channel)
        Proxy.newProxyInstance(
            loader,
            ClassUtils.getAllInterfacesForClass(channel.getClass(), loader),
            (proxy, method, arguments) -> {
              if (method.getName().equals("basicReject")) {
                refused = OptionalLong.of((Long) arguments[0]);
                throw new IllegalStateException(
                    "The deliveries of an @Idempotent listener are settled by its inbox");
              }
              try {
                return method.invoke(channel, arguments);
              } catch (InvocationTargetException e) {
                throw e.getTargetException();
              }
            });
  }
}
