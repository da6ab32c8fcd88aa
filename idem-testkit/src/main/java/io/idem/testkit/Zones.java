package io.idem.testkit;

import java.util.ArrayList;
import java.util.Calendar;
import java.util.GregorianCalendar;
import java.util.List;
import java.util.SimpleTimeZone;
import java.util.TimeZone;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;
import java.util.function.Supplier;

/** Time zones in which a clock's face lies, and runs under each of them as this JVM's own. */
final class Zones {

  private Zones() {}

  /**
   * Half hours, both sides of the date line, and this very moment at either edge of summer time.
   */
  static List<TimeZone> hostile() {
    List<TimeZone> zones = new ArrayList<>();
    for (String id : List.of("America/St_Johns", "Pacific/Kiritimati", "Etc/GMT+12", "UTC")) {
      zones.add(TimeZone.getTimeZone(id));
    }
    zones.add(edge(true));
    zones.add(edge(false));
    return zones;
  }

  /** Runs something for each zone and its successor, then gives the JVM its own zone back. */
  static void run(List<TimeZone> zones, BiConsumer<TimeZone, TimeZone> work) {
    TimeZone before = TimeZone.getDefault();
    try {
      for (int i = 0; i < zones.size(); i++) {
        work.accept(zones.get(i), zones.get((i + 1) % zones.size()));
      }
    } finally {
      TimeZone.setDefault(before);
    }
  }

  static <T> T in(TimeZone zone, Supplier<T> work) {
    TimeZone.setDefault(zone);
    return work.get();
  }

  /**
   * A zone whose clocks have just been, or are just about to be, put forward or back by an hour: a
   * local time of now does not exist, or exists twice. It goes by a name that servers know.
   */
  private static TimeZone edge(boolean forward) {
    Calendar now = new GregorianCalendar(TimeZone.getTimeZone("UTC"));
    now.add(Calendar.MINUTE, forward ? 1 : -1);
    int day = now.get(Calendar.DAY_OF_MONTH);
    int at =
        (int)
            (TimeUnit.HOURS.toMillis(now.get(Calendar.HOUR_OF_DAY))
                + TimeUnit.MINUTES.toMillis(now.get(Calendar.MINUTE)));
    int month = now.get(Calendar.MONTH);
    int halfAYearAway = (month + 6) % 12;
    int hour = (int) TimeUnit.HOURS.toMillis(1);
    return forward
        ? new SimpleTimeZone(
            0,
            "Europe/London",
            month,
            day,
            0,
            at,
            SimpleTimeZone.UTC_TIME,
            halfAYearAway,
            1,
            0,
            0,
            SimpleTimeZone.UTC_TIME,
            hour)
        : new SimpleTimeZone(
            0,
            "Europe/London",
            halfAYearAway,
            1,
            0,
            0,
            SimpleTimeZone.UTC_TIME,
            month,
            day,
            0,
            at,
            SimpleTimeZone.UTC_TIME,
            hour);
  }
}
