package io.idem.spring.boot;

import io.idem.spring.IdempotencySetupException;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.BeansException;
import org.springframework.beans.factory.ListableBeanFactory;

/** Beans that a property names. */
final class NamedBeans {

  private NamedBeans() {}

  static <B> B get(
      ListableBeanFactory beans, Class<B> type, String property, @Nullable String name) {
    try {
      return beans.getBean(String.valueOf(name), type);
    } catch (BeansException e) {
      throw new IdempotencySetupException(
          property
              + " is '"
              + name
              + "', but there is no such "
              + type.getSimpleName()
              + " bean; "
              + "there are "
              + String.join(", ", beans.getBeanNamesForType(type))
              + ".",
          "Name one of them.",
          e);
    }
  }
}
