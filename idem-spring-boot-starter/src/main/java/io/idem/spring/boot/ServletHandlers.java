package io.idem.spring.boot;

import io.idem.spring.WebEndpoints;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.factory.BeanFactoryUtils;
import org.springframework.beans.factory.ListableBeanFactory;
import org.springframework.web.servlet.mvc.method.annotation.RequestMappingHandlerMapping;

/** The annotated handlers of Spring MVC. */
final class ServletHandlers implements EntryPointAudit.Handlers {

  private final ListableBeanFactory beans;
  private final @Nullable WebEndpoints endpoints;

  ServletHandlers(ListableBeanFactory beans, @Nullable WebEndpoints endpoints) {
    this.beans = beans;
    this.endpoints = endpoints;
  }

  @Override
  public List<EntryPointAudit.Handler> all() {
    List<EntryPointAudit.Handler> all = new ArrayList<>();
    BeanFactoryUtils.beansOfTypeIncludingAncestors(
            beans, RequestMappingHandlerMapping.class, true, false)
        .values()
        .forEach(
            mapping ->
                mapping
                    .getHandlerMethods()
                    .forEach(
                        (info, handler) ->
                            all.add(
                                new EntryPointAudit.Handler(
                                    handler.getMethod(),
                                    handler.getBeanType(),
                                    info.getMethodsCondition().getMethods().stream()
                                        .map(Enum::name)
                                        .toList(),
                                    info.getPatternValues(),
                                    endpoints == null
                                        ? Optional.empty()
                                        : endpoints.endpointOf(handler)))));
    return all;
  }
}
