package io.idem.jdbc;

import java.sql.Connection;

/** A transaction whose mark is looked at by whoever ends it. */
final class MarkedTransaction implements JdbcTransactions.Transaction {

  private final Connection connection;
  private final boolean joined;
  private boolean rollbackOnly;
  private boolean committed;

  MarkedTransaction(Connection connection, boolean joined) {
    this.connection = connection;
    this.joined = joined;
  }

  @Override
  public boolean isJoined() {
    return joined;
  }

  @Override
  public Connection connection() {
    return connection;
  }

  @Override
  public void setRollbackOnly() {
    rollbackOnly = true;
  }

  @Override
  public boolean isRollbackOnly() {
    return rollbackOnly;
  }

  /** The last statement has committed it, so that its end has nothing left to do. */
  void committed() {
    committed = true;
  }

  boolean isCommitted() {
    return committed;
  }
}
