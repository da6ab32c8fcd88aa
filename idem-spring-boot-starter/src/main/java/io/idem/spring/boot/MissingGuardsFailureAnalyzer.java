package io.idem.spring.boot;

import java.util.Arrays;
import java.util.List;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.factory.BeanFactory;
import org.springframework.beans.factory.ListableBeanFactory;
import org.springframework.beans.factory.NoSuchBeanDefinitionException;
import org.springframework.boot.diagnostics.FailureAnalysis;
import org.springframework.core.Ordered;
import org.springframework.core.annotation.Order;
import org.springframework.core.env.Environment;
import org.springframework.util.ClassUtils;

/** Says why there is no {@code JdbcGuards} bean where one is asked for. */
@Order(Ordered.HIGHEST_PRECEDENCE)
final class MissingGuardsFailureAnalyzer extends MissingBeanFailureAnalyzer {

  /** By name, because it need not be on the class path. */
  private static final String TRANSACTION_MANAGER =
      "org.springframework.transaction.PlatformTransactionManager";

  private static final List<String> NEEDED =
      List.of(
          "org.springframework.jdbc.datasource.DataSourceUtils",
          TRANSACTION_MANAGER,
          "org.springframework.boot.sql.init.dependency.DependsOnDatabaseInitialization");

  private final BeanFactory beans;
  private final Environment environment;

  MissingGuardsFailureAnalyzer(BeanFactory beans, Environment environment) {
    super(
        environment,
        "io.idem.guard.jdbc.JdbcGuards",
        List.of("idem.enabled", "idem.guard.enabled"),
        "declare a bean of type JdbcGuards yourself, or leave the bean away that asks for it.");
    this.beans = beans;
    this.environment = environment;
  }

  @Override
  @Nullable FailureAnalysis analyze(Class<?> missing, NoSuchBeanDefinitionException cause) {
    if (!(beans instanceof ListableBeanFactory there)) {
      return null;
    }
    ClassLoader loader = missing.getClassLoader();
    if (!NEEDED.stream().allMatch(name -> ClassUtils.isPresent(name, loader))) {
      return analysis(
          "Spring's JDBC support is not on the class path, so that the starter makes none.",
          "Add spring-boot-starter-jdbc (or the starter of JPA or MyBatis, which bring it), or"
              + " declare a bean of type JdbcGuards yourself.",
          cause);
    }
    String[] dataSources = there.getBeanNamesForType(DataSource.class, true, false);
    if (dataSources.length == 0) {
      return analysis(
          "The application has no DataSource, so that the starter makes none.",
          "Set spring.datasource.url, declare a bean of type DataSource and one of its transaction"
              + " manager, or declare a bean of type JdbcGuards yourself.",
          cause);
    }
    Class<?> manager = ClassUtils.resolveClassName(TRANSACTION_MANAGER, loader);
    if (there.getBeanNamesForType(manager, true, false).length == 0) {
      return analysis(
          withoutManager(dataSources),
          "Declare one for the DataSource of the guarded rows, such as a @Bean method that returns"
              + " new JdbcTransactionManager(dataSource)"
              + (dataSources.length > 1
                  ? ", and name that DataSource with idem.guard.data-source; or mark the DataSource"
                      + " as @Primary, for which Spring Boot makes one."
                  : "."),
          cause);
    }
    return null;
  }

  private String withoutManager(String... dataSources) {
    String named = environment.getProperty("idem.guard.data-source");
    return "The application has no transaction manager, in whose transactions guards work"
        + (dataSources.length > 1
            ? ". Spring Boot makes none where there are several DataSources and none is primary: "
            : ". There is the DataSource ")
        + String.join(", ", dataSources)
        + "."
        + (named == null || Arrays.asList(dataSources).contains(named)
            ? ""
            : " And idem.guard.data-source is '" + named + "', which is none of them.");
  }
}
