package io.idem.spring.boot;

import io.idem.webflux.WebFluxEndpoints;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.factory.BeanFactoryUtils;
import org.springframework.beans.factory.ListableBeanFactory;
import org.springframework.web.reactive.result.method.annotation.RequestMappingHandlerMapping;
import org.springframework.web.util.pattern.PathPattern;

/** The annotated handlers of Spring WebFlux. */
final class ReactiveHandlers implements EntryPointAudit.Handlers {

  private final ListableBeanFactory beans;
  private final @Nullable WebFluxEndpoints endpoints;

  ReactiveHandlers(ListableBeanFactory beans, @Nullable WebFluxEndpoints endpoints) {
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
                                    info.getPatternsCondition().getPatterns().stream()
                                        .map(PathPattern::getPatternString)
                                        .toList(),
                                    endpoints == null
                                        ? Optional.empty()
                                        : endpoints.endpointOf(handler)))));
    return all;
  }
}
