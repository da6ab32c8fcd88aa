package io.idem.audited;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import javax.sql.DataSource;

/** A business that writes to its tables by plain JDBC. */
final class Shop {

  static final String DEBIT = "UPDATE account SET balance = balance - ? WHERE id = ?";

  private final DataSource dataSource;

  Shop(DataSource dataSource) {
    this.dataSource = dataSource;
  }

  void schema() {
    run(
        "CREATE TABLE account (id INT PRIMARY KEY, balance INT NOT NULL, owner VARCHAR(20),"
            + " state VARCHAR(20), version INT)");
    run(
        "CREATE TABLE purchase (id INT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
            + " number VARCHAR(20) NOT NULL UNIQUE, total INT)");
    run("CREATE TABLE history (what VARCHAR(100))");
    run("CREATE TABLE account_history (account_id INT, state VARCHAR(20))");
    run("INSERT INTO account (id, balance, state) VALUES (1, 100, 'NEW')");
  }

  void debit(int amount) {
    update(DEBIT, amount, 1);
  }

  void rename(String owner) {
    update("UPDATE account SET owner = ? WHERE id = ?", owner, 1);
  }

  void order(String number) {
    update("INSERT INTO purchase (number, total) VALUES (?, ?)", number, 10);
  }

  void log(String what) {
    update("INSERT INTO history (what) VALUES (?)", what);
  }

  void unknown() {
    run("CALL 1");
  }

  void logAll(String... all) {
    try (Connection connection = dataSource.getConnection();
        PreparedStatement statement =
            connection.prepareStatement("INSERT INTO history (what) VALUES (?)")) {
      for (String what : all) {
        statement.setString(1, what);
        statement.addBatch();
      }
      statement.executeBatch();
    } catch (SQLException e) {
      throw new IllegalStateException(e);
    }
  }

  int update(String sql, Object... values) {
    try (Connection connection = dataSource.getConnection();
        PreparedStatement statement = connection.prepareStatement(sql)) {
      for (int i = 0; i < values.length; i++) {
        statement.setObject(i + 1, values[i]);
      }
      return statement.executeUpdate();
    } catch (SQLException e) {
      throw new IllegalStateException(e);
    }
  }

  void run(String sql) {
    try (Connection connection = dataSource.getConnection();
        Statement statement = connection.createStatement()) {
      statement.execute(sql);
    } catch (SQLException e) {
      throw new IllegalStateException(e);
    }
  }
}
