package io.idem.spring.boot;

import io.idem.spring.IdempotencySetupException;
import io.idem.spring.SpringJdbcTransactions;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.factory.ListableBeanFactory;
import org.springframework.jdbc.datasource.TransactionAwareDataSourceProxy;
import org.springframework.transaction.PlatformTransactionManager;

/** The application's database, where it may have several. */
final class Databases {

  private Databases() {}

  /**
   * A DataSource, without what would have it join a transaction that happens to run.
   *
   * @param property what names it
   * @param name its name; null for the only one, or the primary one
   * @param fix what to do where there are several and none is named
   */
  static DataSource dataSource(
      ListableBeanFactory beans, String property, @Nullable String name, String fix) {
    DataSource found;
    if (name != null) {
      found = NamedBeans.get(beans, DataSource.class, property, name);
    } else {
      found = beans.getBeanProvider(DataSource.class).getIfUnique();
      if (found == null) {
        throw new IdempotencySetupException(
            "The application has several DataSources, and none of them is primary: "
                + String.join(", ", beans.getBeanNamesForType(DataSource.class))
                + ".",
            fix);
      }
    }
    return unwrapped(found);
  }

  /** A leased record is committed by itself, never in a transaction that happens to run. */
  static DataSource unwrapped(DataSource dataSource) {
    DataSource found = dataSource;
    while (found instanceof TransactionAwareDataSourceProxy proxy) {
      DataSource target = proxy.getTargetDataSource();
      if (target == null) {
        break;
      }
      found = target;
    }
    return found;
  }

  /**
   * The transaction manager of a DataSource: the primary one if it works on it, else the only one
   * that does.
   *
   * @param what what the DataSource holds
   * @param fix what to do where there is none, or several
   */
  static PlatformTransactionManager transactionManager(
      ListableBeanFactory beans, DataSource dataSource, String what, String fix) {
    PlatformTransactionManager preferred =
        beans.getBeanProvider(PlatformTransactionManager.class).getIfUnique();
    if (preferred != null && SpringJdbcTransactions.worksOn(preferred, dataSource)) {
      return preferred;
    }
    Map<String, PlatformTransactionManager> all =
        new TreeMap<>(beans.getBeansOfType(PlatformTransactionManager.class));
    List<PlatformTransactionManager> fitting =
        all.values().stream()
            .filter(manager -> SpringJdbcTransactions.worksOn(manager, dataSource))
            .toList();
    if (fitting.size() != 1) {
      throw new IdempotencySetupException(
          (fitting.isEmpty() ? "No transaction manager works" : "Several transaction managers work")
              + " on the DataSource of "
              + what
              + "; there are "
              + String.join(", ", all.keySet())
              + ".",
          fix);
    }
    return fitting.get(0);
  }
}
