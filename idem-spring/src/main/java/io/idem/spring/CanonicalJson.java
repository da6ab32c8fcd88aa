package io.idem.spring;

import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonGenerator;
import tools.jackson.databind.BeanDescription;
import tools.jackson.databind.MapperFeature;
import tools.jackson.databind.SerializationConfig;
import tools.jackson.databind.SerializationContext;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.ValueSerializer;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.module.SimpleModule;
import tools.jackson.databind.ser.ValueSerializerModifier;
import tools.jackson.databind.type.CollectionType;

/**
 * JSON in which equal values look equal: members, map entries and the elements of sets are sorted.
 * The order of a set differs from one JVM to the next, as that of {@code Set.of} does on purpose.
 */
final class CanonicalJson implements ArgumentDigest.ValueWriter {

  private final JsonMapper mapper;

  CanonicalJson() {
    this.mapper =
        JsonMapper.builder()
            .findAndAddModules()
            .enable(MapperFeature.SORT_PROPERTIES_ALPHABETICALLY)
            .enable(SerializationFeature.ORDER_MAP_ENTRIES_BY_KEYS)
            .addModule(
                new SimpleModule("idem-sets").setSerializerModifier(new SortedSets(this::text)))
            .build();
  }

  @Override
  public byte[] write(@Nullable Object value) {
    return mapper.writeValueAsBytes(value);
  }

  private String text(@Nullable Object value) {
    return mapper.writeValueAsString(value);
  }

  private static final class SortedSets extends ValueSerializerModifier {

    private static final long serialVersionUID = 1L;

    private final transient Function<@Nullable Object, String> text;

    SortedSets(Function<@Nullable Object, String> text) {
      this.text = text;
    }

    @Override
    public ValueSerializer<?> modifyCollectionSerializer(
        SerializationConfig config,
        CollectionType type,
        BeanDescription.Supplier description,
        ValueSerializer<?> serializer) {
      return Set.class.isAssignableFrom(type.getRawClass()) ? new SortedSet(text) : serializer;
    }
  }

  private static final class SortedSet extends ValueSerializer<Set<?>> {

    private final Function<@Nullable Object, String> text;

    SortedSet(Function<@Nullable Object, String> text) {
      this.text = text;
    }

    @Override
    public void serialize(Set<?> set, JsonGenerator json, SerializationContext context) {
      TreeSet<String> elements = new TreeSet<>();
      for (Object element : set) {
        elements.add(text.apply(element));
      }
      json.writeStartArray();
      elements.forEach(json::writeRawValue);
      json.writeEndArray();
    }
  }
}
