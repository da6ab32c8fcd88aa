package io.idem.audit;

import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** What functions of PostgreSQL, MySQL, MariaDB and H2 are to repeats. */
final class Functions {

  /** What a call of a function is to repeats. */
  enum Nature {
    /** The same answer for the same arguments, and nothing else. */
    PURE,
    /** Tells the time. */
    CLOCK,
    /** Another answer at each call, or one that depends on the session. */
    RANDOM,
    /** Draws a number. */
    SEQUENCE,
    /** Changes something that a repeat changes again. */
    EFFECT,
    /** Changes something to what a repeat leaves it at, or what ends with the transaction. */
    HARMLESS_EFFECT,
    /** Nobody here knows. */
    UNKNOWN
  }

  private static final Set<String> CLOCK =
      words(
          """
          now current_timestamp current_date current_time localtime localtimestamp sysdate
          systimestamp getdate clock_timestamp statement_timestamp transaction_timestamp timeofday
          curdate curtime utc_timestamp utc_date utc_time
          """);

  private static final Set<String> RANDOM =
      words(
          """
          random rand random_normal setseed uuid gen_random_uuid uuid_generate_v1 uuid_generate_v1mc
          uuid_generate_v4 uuidv4 uuidv7 random_uuid sys_guid newid uuid_short gen_random_bytes
          random_bytes lastval currval last_insert_id identity scope_identity txid_current
          pg_current_xact_id pg_backend_pid connection_id row_count found_rows pg_table_size
          pg_relation_size pg_total_relation_size
          """);

  /** What they do, for a reader. */
  private static final Map<String, String> EFFECTS =
      Map.of(
          "pg_advisory_lock", "counts how often its lock is taken",
          "pg_advisory_lock_shared", "counts how often its lock is taken",
          "pg_try_advisory_lock", "counts how often its lock is taken",
          "pg_try_advisory_lock_shared", "counts how often its lock is taken",
          "get_lock", "counts how often its lock is taken",
          "pg_advisory_unlock", "gives one holding of its lock back at each call",
          "release_lock", "gives one holding of its lock back at each call",
          "pg_notify", "sends a message at each call",
          "lo_create", "makes a large object at each call");

  private static final Set<String> HARMLESS =
      words(
          """
          pg_advisory_xact_lock pg_advisory_xact_lock_shared pg_try_advisory_xact_lock
          pg_try_advisory_xact_lock_shared pg_advisory_unlock_all release_all_locks setval set_config
          pg_sleep sleep is_free_lock is_used_lock
          """);

  private static final Set<String> PURE =
      words(
          """
          count sum avg min max array_agg string_agg json_agg jsonb_agg json_object_agg
          jsonb_object_agg json_arrayagg json_objectagg group_concat listagg bool_and bool_or every
          any_value stddev stddev_pop stddev_samp variance var_pop var_samp bit_and bit_or median
          percentile_cont percentile_disc row_number rank dense_rank percent_rank cume_dist ntile lag
          lead first_value last_value nth_value grouping
          upper lower ucase lcase trim ltrim rtrim btrim length char_length character_length
          octet_length bit_length substring substr mid left right replace translate concat concat_ws
          lpad rpad repeat reverse position strpos instr locate ascii chr char initcap md5 sha sha1
          sha2 sha224 sha256 sha384 sha512 digest hmac encode decode hex unhex to_hex format
          split_part substring_index regexp_replace regexp_match regexp_matches regexp_like
          regexp_substr regexp_instr starts_with overlay quote_ident quote_literal quote soundex
          similarity unaccent elt field find_in_set insert space strcmp to_base64 from_base64 crc32
          abs ceil ceiling floor round trunc truncate mod power pow sqrt cbrt sign exp ln log log10
          log2 pi degrees radians sin cos tan asin acos atan atan2 greatest least div width_bucket
          coalesce ifnull nullif nvl nvl2 decode if isnull
          date_trunc date_part date_bin extract date time timestamp year month day hour minute second
          to_date to_char to_timestamp to_number date_add date_sub adddate subdate addtime subtime
          datediff timediff timestampdiff timestampadd dateadd date_format time_format str_to_date
          make_date make_time make_timestamp make_timestamptz make_interval justify_days
          justify_hours justify_interval dayofweek dayofmonth dayofyear weekday week weekofyear
          quarter last_day from_unixtime from_days to_days to_seconds sec_to_time time_to_sec
          timezone convert_tz monthname dayname
          json_object jsonb_build_object json_build_object json_build_array jsonb_build_array
          json_array to_json to_jsonb json_extract json_unquote json_quote json_value json_query
          json_contains json_contains_path json_length json_depth json_keys json_valid json_type
          json_search json_overlaps json_set json_replace json_insert json_remove json_merge
          json_merge_patch json_merge_preserve json_array_append json_array_insert jsonb_set
          jsonb_set_lax jsonb_insert jsonb_strip_nulls json_strip_nulls jsonb_array_length
          json_array_length jsonb_array_elements jsonb_array_elements_text json_array_elements
          json_array_elements_text jsonb_each jsonb_each_text json_each json_each_text
          jsonb_extract_path jsonb_extract_path_text json_extract_path json_extract_path_text
          jsonb_path_exists jsonb_path_match jsonb_path_query jsonb_path_query_array
          jsonb_path_query_first jsonb_typeof json_typeof row_to_json jsonb_object_keys
          json_object_keys jsonb_to_recordset json_to_recordset jsonb_populate_record jsonb_concat
          jsonb_delete jsonb_pretty json_pretty json_table xmltable
          array_append array_prepend array_cat array_remove array_replace array_length array_upper
          array_lower array_position array_positions array_to_string string_to_array array_fill
          array_contains cardinality unnest any all some array generate_series generate_subscripts
          cast convert try_cast binary bin_to_uuid uuid_to_bin is_uuid inet_aton inet_ntoa host
          to_tsvector to_tsquery plainto_tsquery phraseto_tsquery websearch_to_tsquery ts_rank
          ts_rank_cd ts_headline hashtext hashtextextended hash
          row values excluded exists interval database schema version user current_user session_user
          current_schema current_schemas current_database current_catalog current_setting current_role
          pg_typeof pg_get_serial_sequence to_regclass has_table_privilege
          obj_description col_description format_type pg_get_expr pg_get_constraintdef
          pg_get_indexdef
          """);

  private Functions() {}

  /** The nature of a call; the name without its schema, in any case. */
  static Nature of(String name, int arguments) {
    String plain = plain(name);
    int dot = name.lastIndexOf('.');
    boolean builtIn = dot < 0 || Names.plain(name.substring(0, dot)).equals("pg_catalog");
    if (plain.equals("nextval")) {
      return Nature.SEQUENCE;
    } else if (EFFECTS.containsKey(plain)) {
      return Nature.EFFECT;
    } else if (!builtIn) {
      return Nature.UNKNOWN; // somebody's own, whatever it is called
    } else if (CLOCK.contains(plain)
        || (plain.equals("unix_timestamp") && arguments == 0)
        || (plain.equals("age") && arguments < 2)) {
      return Nature.CLOCK; // age(x) counts from today
    } else if (RANDOM.contains(plain)) {
      return Nature.RANDOM;
    } else if (HARMLESS.contains(plain)) {
      return Nature.HARMLESS_EFFECT;
    } else if (PURE.contains(plain) || plain.equals("unix_timestamp") || plain.equals("age")) {
      return Nature.PURE;
    }
    return Nature.UNKNOWN;
  }

  /** What an effect is, for a reader. */
  static String effectOf(String name) {
    return EFFECTS.getOrDefault(plain(name), "changes something at each call");
  }

  /** A name without schema and quotes, in lower case. */
  static String plain(String name) {
    String last = name.substring(name.lastIndexOf('.') + 1);
    return Names.plain(last);
  }

  private static Set<String> words(String text) {
    return Stream.of(text.split("\\s+"))
        .filter(word -> !word.isEmpty())
        .map(word -> word.toLowerCase(Locale.ROOT))
        .collect(Collectors.toUnmodifiableSet());
  }
}
