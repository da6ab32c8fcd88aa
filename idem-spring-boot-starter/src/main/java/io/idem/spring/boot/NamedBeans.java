package io.idem.spring.boot;

import io.idem.spring.IdempotencySetupException;
import java.util.List;
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
      List<String> there = List.of(beans.getBeanNamesForType(type));
      throw new IdempotencySetupException(
          property
              + " is '"
              + name
              + "', but there is no such "
              + type.getSimpleName()
              + " bean; there "
              + (there.isEmpty() ? "is none." : "are " + String.join(", ", there) + "."),
          there.isEmpty() ? "Declare one, or remove the property." : "Name one of them.",
          e);
    }
  }
}
