package io.idem.spring;

import com.fasterxml.jackson.annotation.JsonAutoDetect;
import java.io.ByteArrayOutputStream;
import java.lang.reflect.Field;
import java.lang.reflect.InaccessibleObjectException;
import java.lang.reflect.Modifier;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.BaseStream;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonGenerator;
import tools.jackson.databind.BeanDescription;
import tools.jackson.databind.MapperFeature;
import tools.jackson.databind.SerializationConfig;
import tools.jackson.databind.SerializationContext;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.ValueSerializer;
import tools.jackson.databind.cfg.DateTimeFeature;
import tools.jackson.databind.cfg.EnumFeature;
import tools.jackson.databind.cfg.JsonNodeFeature;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.module.SimpleModule;
import tools.jackson.databind.ser.ValueSerializerModifier;
import tools.jackson.databind.ser.bean.BeanSerializerBase;
import tools.jackson.databind.ser.impl.UnknownSerializer;
import tools.jackson.databind.ser.jdk.IterableSerializer;
import tools.jackson.databind.ser.std.ToEmptyObjectSerializer;
import tools.jackson.databind.type.CollectionType;
import tools.jackson.databind.type.MapType;

/**
 * JSON in which equal values look equal, and different ones different.
 *
 * <ol>
 *   <li>Members, map entries and the elements of sets are sorted. The order of a set differs from
 *       one JVM to the next, as that of {@code Set.of} does on purpose.
 *   <li>An object counts with all its fields, those of its superclasses as well, and with the name
 *       of its class: two requests never look alike because a getter is missing, or because an
 *       annotation of Jackson hides a member from clients. Only static and {@code transient} fields
 *       do not count.
 *   <li>What says nothing by its fields is refused: proxies, lambdas, objects without fields, types
 *       of the JDK that Jackson does not know, iterators. So are cycles, and whatever is larger
 *       than {@value #MAX_BYTES} bytes.
 * </ol>
 */
final class CanonicalJson implements ArgumentDigest.ValueWriter {

  private static final int MAX_BYTES = 1 << 24;

  private final JsonMapper mapper;

  CanonicalJson() {
    this.mapper =
        JsonMapper.builder()
            .findAndAddModules()
            .disable(MapperFeature.USE_ANNOTATIONS)
            // No member is found by Jackson: it need not agree with itself about getters.
            .changeDefaultVisibility(visible -> visible.with(JsonAutoDetect.Visibility.NONE))
            .enable(SerializationFeature.FAIL_ON_EMPTY_BEANS)
            .disable(EnumFeature.WRITE_ENUMS_USING_TO_STRING)
            .enable(DateTimeFeature.WRITE_DATES_WITH_ZONE_ID)
            .enable(JsonNodeFeature.WRITE_PROPERTIES_SORTED) // a tree writes itself
            .addModule(new SimpleModule("idem").setSerializerModifier(new Canonical(this::text)))
            .build();
  }

  @Override
  public byte[] write(@Nullable Object value) {
    Bounded out = new Bounded();
    mapper.writeValue(out, value);
    return out.toByteArray();
  }

  private String text(@Nullable Object value) {
    return new String(write(value), StandardCharsets.UTF_8);
  }

  private static final class Bounded extends ByteArrayOutputStream {

    @Override
    public synchronized void write(int b) {
      check(1);
      super.write(b);
    }

    @Override
    public synchronized void write(byte[] bytes, int offset, int length) {
      check(length);
      super.write(bytes, offset, length);
    }

    private void check(int more) {
      if (more > MAX_BYTES - count) {
        throw new IllegalArgumentException("It is larger than " + MAX_BYTES + " bytes");
      }
    }
  }

  private static final class Canonical extends ValueSerializerModifier {

    private static final long serialVersionUID = 1L;

    private final transient Function<@Nullable Object, String> text;

    Canonical(Function<@Nullable Object, String> text) {
      this.text = text;
    }

    @Override
    public ValueSerializer<?> modifySerializer(
        SerializationConfig config,
        BeanDescription.Supplier description,
        ValueSerializer<?> serializer) {
      Class<?> type = description.getBeanClass();
      if (Iterator.class.isAssignableFrom(type) || BaseStream.class.isAssignableFrom(type)) {
        return new Refused("can be read only once");
      }
      // A type that Jackson, or a module, knows is left to it.
      return serializer instanceof BeanSerializerBase
              || serializer instanceof ToEmptyObjectSerializer
              || serializer instanceof IterableSerializer
              || serializer instanceof UnknownSerializer
          ? ofFields(type)
          : serializer;
    }

    private static ValueSerializer<?> ofFields(Class<?> type) {
      if (Proxy.isProxyClass(type)
          || type.isHidden()
          || type.getName().contains("$$")
          || type.getName().contains("$HibernateProxy")) {
        return new Refused("is a proxy or a lambda, whose fields do not say what it stands for");
      }
      List<Field> fields = new ArrayList<>();
      for (Class<?> at = type; at != null; at = at.getSuperclass()) {
        for (Field field : at.getDeclaredFields()) {
          if (!Modifier.isStatic(field.getModifiers())
              && !Modifier.isTransient(field.getModifiers())) {
            try {
              field.setAccessible(true);
            } catch (InaccessibleObjectException | SecurityException e) {
              return new Refused("keeps its field '" + field.getName() + "' to its module");
            }
            fields.add(field);
          }
        }
      }
      if (fields.isEmpty() && !type.isRecord()) {
        return new Refused("has no fields that say how it differs from another");
      }
      fields.sort(Comparator.comparing(Field::getName)); // stable: a subclass goes first
      return new Fields(type, fields);
    }

    @Override
    public ValueSerializer<?> modifyCollectionSerializer(
        SerializationConfig config,
        CollectionType type,
        BeanDescription.Supplier description,
        ValueSerializer<?> serializer) {
      return Set.class.isAssignableFrom(type.getRawClass()) ? new SortedSet(text) : serializer;
    }

    @Override
    public ValueSerializer<?> modifyMapSerializer(
        SerializationConfig config,
        MapType type,
        BeanDescription.Supplier description,
        ValueSerializer<?> serializer) {
      return new SortedMap(text);
    }
  }

  private static final class Fields extends ValueSerializer<Object> {

    private final String name;
    private final List<Field> fields;

    Fields(Class<?> type, List<Field> fields) {
      // Without its package, so that moving a class does not change what was asked for.
      this.name = type.getName().substring(type.getPackageName().length());
      this.fields = fields;
    }

    @Override
    public void serialize(Object value, JsonGenerator json, SerializationContext context) {
      json.writeStartObject();
      json.writeStringProperty("@", name);
      for (Field field : fields) {
        json.writeName(field.getName());
        try {
          context.writeValue(json, field.get(value));
        } catch (IllegalAccessException e) {
          throw new IllegalStateException(e); // it was made accessible
        }
      }
      json.writeEndObject();
    }
  }

  private static final class Refused extends ValueSerializer<Object> {

    private final String why;

    Refused(String why) {
      this.why = why;
    }

    @Override
    public void serialize(Object value, JsonGenerator json, SerializationContext context) {
      throw new IllegalArgumentException(value.getClass().getName() + " " + why);
    }
  }

  private static final class SortedSet extends ValueSerializer<Set<?>> {

    private final Function<@Nullable Object, String> text;

    SortedSet(Function<@Nullable Object, String> text) {
      this.text = text;
    }

    @Override
    public void serialize(Set<?> set, JsonGenerator json, SerializationContext context) {
      List<String> elements = new ArrayList<>(); // two unequal elements may look alike: both count
      for (Object element : set) {
        elements.add(text.apply(element));
      }
      elements.sort(null);
      json.writeStartArray();
      elements.forEach(json::writeRawValue);
      json.writeEndArray();
    }
  }

  /** Keys as values, because the text of a key need not tell it from another. */
  private static final class SortedMap extends ValueSerializer<Map<?, ?>> {

    private final Function<@Nullable Object, String> text;

    SortedMap(Function<@Nullable Object, String> text) {
      this.text = text;
    }

    @Override
    public void serialize(Map<?, ?> map, JsonGenerator json, SerializationContext context) {
      List<String> entries = new ArrayList<>();
      map.forEach((key, value) -> entries.add(text.apply(key) + ":" + text.apply(value)));
      entries.sort(null);
      json.writeStartObject();
      json.writeName("");
      json.writeRawValue(entries.toString());
      json.writeEndObject();
    }
  }
}
