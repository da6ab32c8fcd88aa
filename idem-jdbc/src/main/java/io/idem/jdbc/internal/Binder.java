package io.idem.jdbc.internal;

import io.idem.core.store.OwnerToken;
import io.idem.core.store.RecordId;
import java.nio.ByteBuffer;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Types;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** The values of one call, handed to statements in whatever order they want them. */
final class Binder {

  /** Longer than any retention that makes sense, short enough to be added to the clock. */
  private static final Duration LONGEST = Duration.ofDays(365_000);

  private static final int PARAMS = Param.values().length;

  private final boolean uuidIds;

  /** By the parameters' ordinals. */
  private final @Nullable Object[] values = new @Nullable Object[PARAMS];

  Binder(boolean uuidIds) {
    this.uuidIds = uuidIds;
  }

  /** The same values, to be changed without these. */
  Binder copy() {
    Binder copy = new Binder(uuidIds);
    System.arraycopy(values, 0, copy.values, 0, PARAMS);
    return copy;
  }

  Binder put(Param param, @Nullable Object value) {
    values[index(param)] = value;
    return this;
  }

  @Nullable Object value(Param param) {
    return values[index(param)];
  }

  @SuppressWarnings("EnumOrdinal") // an EnumMap does so too, and costs every claim more
  private static int index(Param param) {
    return param.ordinal();
  }

  void bind(PreparedStatement statement, List<Param> params) throws SQLException {
    bind(statement, 1, params);
  }

  private void bind(PreparedStatement statement, int first, List<Param> params)
      throws SQLException {
    int index = first;
    for (Param param : params) {
      bind(statement, index++, param.kind(), value(param));
    }
  }

  /** Binds the values of a batch one after another, for a statement that repeats its parameters. */
  static void bindRepeated(PreparedStatement statement, List<Param> params, List<Binder> batch)
      throws SQLException {
    int first = 1;
    for (Binder values : batch) {
      values.bind(statement, first, params);
      first += params.size();
    }
  }

  /** Binds the values of a batch as an array for each parameter. */
  static void bindArrays(PreparedStatement statement, List<Param> params, List<Binder> batch)
      throws SQLException {
    int index = 1;
    for (Param param : params) {
      if (param.isOfBatch()) {
        Binder any = batch.get(0);
        any.bind(statement, index++, param.kind(), any.value(param));
      } else {
        @Nullable Object[] elements = elements(param, batch);
        statement.setArray(
            index++, statement.getConnection().createArrayOf(param.kind().arrayType(), elements));
      }
    }
  }

  /**
   * The values of one parameter; none where all are null, which is what a short array counts as.
   */
  private static @Nullable Object[] elements(Param param, List<Binder> batch) {
    boolean allNull = batch.stream().allMatch(binder -> binder.value(param) == null);
    int length = allNull ? 0 : batch.size();
    @Nullable Object[] elements =
        param.kind() == Param.Kind.BYTES
            ? new byte @Nullable [length][]
            : new @Nullable Object[length];
    for (int i = 0; i < length; i++) {
      elements[i] = batch.get(i).element(param);
    }
    return elements;
  }

  private @Nullable Object element(Param param) {
    Object value = value(param);
    return param.kind() == Param.Kind.BYTES16 && uuidIds && value != null ? uuid(value) : value;
  }

  private static UUID uuid(Object bytes16) {
    ByteBuffer bytes = ByteBuffer.wrap((byte[]) bytes16);
    return new UUID(bytes.getLong(), bytes.getLong());
  }

  private void bind(PreparedStatement statement, int index, Param.Kind kind, @Nullable Object value)
      throws SQLException {
    switch (kind) {
      case LONG -> {
        if (value == null) {
          statement.setNull(index, Types.BIGINT);
        } else {
          statement.setLong(index, (Long) value);
        }
      }
      case INT -> {
        if (value == null) {
          statement.setNull(index, Types.INTEGER);
        } else {
          statement.setInt(index, (Integer) value);
        }
      }
      case TEXT -> statement.setString(index, (String) value);
      case BYTES -> statement.setBytes(index, (byte[]) value);
      case BYTES16 -> {
        if (!uuidIds) {
          statement.setBytes(index, (byte[]) value);
        } else if (value == null) {
          statement.setNull(index, Types.OTHER);
        } else {
          statement.setObject(index, uuid(value));
        }
      }
    }
  }

  /** Reads an id, whichever way the dialect keeps it. */
  static @Nullable RecordId id(ResultSet result, int column) throws SQLException {
    OwnerToken bytes16 = token(result, column);
    return bytes16 == null ? null : new RecordId(bytes16.high(), bytes16.low());
  }

  /** Reads a token, whichever way the dialect keeps it. */
  static @Nullable OwnerToken token(ResultSet result, int column) throws SQLException {
    Object value = result.getObject(column);
    if (value instanceof UUID uuid) {
      return new OwnerToken(uuid.getMostSignificantBits(), uuid.getLeastSignificantBits());
    }
    // Not the value itself: Connector/J makes it a text with blobsAreStrings.
    return value == null ? null : OwnerToken.fromBytes(result.getBytes(column));
  }

  /** Whole milliseconds, rounded up and cut to what can be added to the clock. */
  static long millis(Duration duration) {
    if (duration.compareTo(LONGEST) > 0) {
      return LONGEST.toMillis();
    }
    long millis = duration.toMillis();
    return duration.toNanosPart() % 1_000_000 == 0 ? millis : millis + 1;
  }

  /** Divides what is not negative, rounded up. */
  static long ceilDiv(long dividend, long divisor) {
    return (dividend + divisor - 1) / divisor;
  }
}
