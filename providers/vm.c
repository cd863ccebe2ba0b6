#include "vm.h"

#include <string.h>

char *
vm_key (const json_t *vm)
{
  const char *region = json_str (vm, "region", "");

  return xasprintf ("%s:%s%s%s:%s", json_str (vm, "provider", "?"),
                    json_str (vm, "account", "?"), *region ? ":" : "", region,
                    json_str (vm, "id", "?"));
}

const char *
vm_title (const json_t *vm)
{
  const char *name = json_str (vm, "name", "");

  return *name ? name : json_str (vm, "id", "?");
}

bool
vm_is_power (const json_t *vm, const char *power)
{
  return strcmp (json_str (vm, "power", "other"), power) == 0;
}

static const json_t *
fact (const json_t *vm, const char *name)
{
  return json_object_get (json_object_get (vm, "facts"), name);
}

const char *
vm_fact (const json_t *vm, const char *name)
{
  return json_string_value (fact (vm, name)) ?: "";
}

bool
vm_fact_is_true (const json_t *vm, const char *name)
{
  return json_is_true (fact (vm, name));
}

int64_t
vm_fact_number (const json_t *vm, const char *name)
{
  return json_integer_value (fact (vm, name));
}

static json_t *remark (const char *code, const char *fmt, va_list args)
    ATTR_PRINTF (2, 0);

static json_t *
remark (const char *code, const char *fmt, va_list args)
{
  CLEANUP_FREE char *text = xvasprintf (fmt, args);
  json_t *item = json_object ();

  json_put_str (item, "code", code);
  json_put_str (item, "text", text);
  return item;
}

void
vm_add_refusal (json_t *vm, const char *code, bool allowable, const char *fmt,
                ...)
{
  json_t *item;
  va_list args;

  va_start (args, fmt);
  item = remark (code, fmt, args);
  va_end (args);
  json_put_bool (item, "allow", allowable);
  json_array_append_new (json_list (vm, "refusals"), item);
}

void
vm_limit_refusal (json_t *vm, const char *const *strategies)
{
  const json_t *list = json_list (vm, "refusals");
  json_t *names = json_array ();

  for (; *strategies; strategies++)
    json_array_append_new (names, json_string (*strategies));
  json_put (json_array_get (list, json_array_size (list) - 1), "strategies",
            names);
}

void
vm_add_warning (json_t *vm, const char *code, const char *fmt, ...)
{
  va_list args;

  va_start (args, fmt);
  json_array_append_new (json_list (vm, "warnings"), remark (code, fmt, args));
  va_end (args);
}

static void
compare (json_t *list, const char *field, json_t *before, json_t *after)
{
  json_t *item;

  if (before == after || (before && after && json_equal (before, after)))
    return;
  item = json_object ();
  json_put_str (item, "field", field);
  json_put (item, "before", before ? json_incref (before) : json_null ());
  json_put (item, "after", after ? json_incref (after) : json_null ());
  json_array_append_new (list, item);
}

static void
compare_objects (json_t *list, const char *prefix, json_t *before,
                 json_t *after)
{
  const char *key;
  json_t *value;

  json_object_foreach (before, key, value)
  {
    CLEANUP_FREE char *field = xasprintf ("%s.%s", prefix, key);

    compare (list, field, value, json_object_get (after, key));
  }
  json_object_foreach (after, key, value)
  {
    CLEANUP_FREE char *field = xasprintf ("%s.%s", prefix, key);

    if (json_object_get (before, key) == NULL)
      compare (list, field, NULL, value);
  }
}

json_t *
vm_differences (const json_t *before, const json_t *after)
{
  static const char *const scalars[] = {"os_disk.id", "os_disk.size_bytes"};
  static const char *const objects[] = {"attributes", "os_disk.attributes"};
  json_t *list = json_array ();

  for (size_t i = 0; i < ARRAY_SIZE (scalars); i++)
    compare (list, scalars[i], json_at (before, scalars[i]),
             json_at (after, scalars[i]));
  for (size_t i = 0; i < ARRAY_SIZE (objects); i++)
    compare_objects (list, objects[i], json_at (before, objects[i]),
                     json_at (after, objects[i]));
  return list;
}
