package io.idem.testkit;

import java.io.DataInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/**
 * Tells which classes of a store read the wall clock of their JVM, by the methods that their class
 * files name.
 *
 * <p>Looked at are the store's class and those it uses, directly or not, in its package and the
 * packages below. {@code System.nanoTime()} is not a wall clock: it only measures.
 */
final class ApplicationClock {

  private static final int CLASS_FILE = 0xCAFEBABE;

  private ApplicationClock() {}

  /** What reads a clock, as "class names method"; empty if nothing does. */
  static Set<String> readBy(Class<?> store) {
    String home = store.getPackageName().replace('.', '/') + "/";
    Set<String> found = new TreeSet<>();
    Set<String> seen = new HashSet<>();
    Deque<String> toDo = new ArrayDeque<>(List.of(store.getName().replace('.', '/')));
    while (!toDo.isEmpty()) {
      String name = toDo.remove();
      if (name.startsWith(home) && seen.add(name)) {
        Constants constants = constantsOf(store, name);
        for (String method : constants.methods()) {
          if (isClock(method)) {
            found.add(name.replace('/', '.') + " names " + method);
          }
        }
        toDo.addAll(constants.classes);
      }
    }
    return found;
  }

  private static boolean isClock(String method) {
    return method.equals("java/lang/System.currentTimeMillis()J")
        || method.equals("java/util/Date.<init>()V")
        || method.equals("java/util/GregorianCalendar.<init>()V")
        || method.startsWith("java/util/Calendar.getInstance(")
        || method.startsWith("java/time/Clock.")
        || (method.startsWith("java/time/") && method.contains(".now("));
  }

  private static Constants constantsOf(Class<?> store, String name) {
    ClassLoader loader = store.getClassLoader();
    try (InputStream in = loader.getResourceAsStream(name + ".class")) {
      if (in == null) {
        throw new AssertionError("The class file of " + name + " cannot be read");
      }
      return new Constants(new DataInputStream(in));
    } catch (IOException e) {
      throw new UncheckedIOException("The class file of " + name + " cannot be read", e);
    }
  }

  /** The constant pool of a class file (Java Virtual Machine Specification, section 4.4). */
  private static final class Constants {

    private final String[] texts;
    private final int[][] pairs;
    private final List<int[]> methods = new ArrayList<>();

    /** Those a member of which is used; others are only named, such as an enclosing class. */
    private final Set<String> classes = new TreeSet<>();

    Constants(DataInputStream in) throws IOException {
      if (in.readInt() != CLASS_FILE) {
        throw new IOException("Not a class file");
      }
      in.skipNBytes(4);
      int count = in.readUnsignedShort();
      texts = new String[count];
      pairs = new int[count][];
      List<int[]> used = new ArrayList<>();
      for (int i = 1; i < count; i++) {
        int tag = in.readUnsignedByte();
        switch (tag) {
          case 1 -> texts[i] = in.readUTF();
          case 3, 4, 17, 18 -> in.skipNBytes(4);
          case 5, 6 -> {
            in.skipNBytes(8);
            i++; // they take two places
          }
          case 7 -> pairs[i] = new int[] {in.readUnsignedShort()};
          case 8, 16, 19, 20 -> in.skipNBytes(2);
          case 9 -> used.add(new int[] {in.readUnsignedShort(), in.readUnsignedShort()});
          case 10, 11 -> {
            pairs[i] = new int[] {in.readUnsignedShort(), in.readUnsignedShort()};
            methods.add(pairs[i]);
          }
          case 12 -> pairs[i] = new int[] {in.readUnsignedShort(), in.readUnsignedShort()};
          case 15 -> in.skipNBytes(3);
          default -> throw new IOException("Unknown constant " + tag);
        }
      }
      used.addAll(methods);
      used.forEach(member -> classes.add(texts[pairs[member[0]][0]]));
    }

    /** Each as owner.name(parameters)result. */
    List<String> methods() {
      return methods.stream()
          .map(
              method -> {
                int[] nameAndType = pairs[method[1]];
                return texts[pairs[method[0]][0]]
                    + "."
                    + texts[nameAndType[0]]
                    + texts[nameAndType[1]];
              })
          .toList();
    }
  }
}
