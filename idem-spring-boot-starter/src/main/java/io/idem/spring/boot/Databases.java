package io.idem.spring.boot;

import io.idem.spring.IdempotencySetupException;
import io.idem.spring.SpringJdbcTransactions;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.factory.ListableBeanFactory;
import org.springframework.jdbc.datasource.DelegatingDataSource;
import org.springframework.jdbc.datasource.TransactionAwareDataSourceProxy;
import org.springframework.transaction.PlatformTransactionManager;

/** The application's database, where it may have several. */
final class Databases {

  /** What no transaction manager works on that says where it does. */
  private static final DataSource NOWHERE = new DelegatingDataSource();

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
   * that does. Those that do not tell where they work (JTA's for example) count where no other
   * does.
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
    Map<String, PlatformTransactionManager> fitting = new TreeMap<>(all);
    fitting.values().removeIf(manager -> !SpringJdbcTransactions.worksOn(manager, dataSource));
    if (!fitting.values().stream().allMatch(Databases::worksAnywhere)) {
      fitting.values().removeIf(Databases::worksAnywhere);
    }
    if (fitting.size() != 1) {
      Set<String> there = fitting.isEmpty() ? all.keySet() : fitting.keySet();
      throw new IdempotencySetupException(
          (fitting.isEmpty() ? "No transaction manager works" : "Several transaction managers work")
              + " on the DataSource of "
              + what
              + (there.isEmpty()
                  ? "; there is none."
                  : "; there are " + String.join(", ", there) + "."),
          fix);
    }
    return fitting.values().iterator().next();
  }

  /** Whether a transaction manager does not tell what it works on. */
  private static boolean worksAnywhere(PlatformTransactionManager manager) {
    return SpringJdbcTransactions.worksOn(manager, NOWHERE);
  }
}
