#include "limits-file.h"

#include <math.h>
#include <string.h>

#include <base/text.h>

/* More is surely a slip, and would leave the range of our arithmetic. */
#define MAX_FIGURE 1e6

static const char *const known_fields[] =
    {"cloud", "account",           "region",        "bucket", "capacity",
     "calls", "refill_per_second", "window_seconds"};

static int
check_fields (const json_t *row, struct err **err)
{
  const char *key;
  json_t *value;

  json_object_foreach ((json_t *)row, key, value)
  {
    bool known = false;

    for (size_t i = 0; i < ARRAY_SIZE (known_fields); i++)
      known |= strcmp (known_fields[i], key) == 0;
    if (!known)
      return err_set (err, ERR_INPUT, "unknown field \"%s\"", key);
  }
  return 0;
}

static int
read_figure (const json_t *row, const char *name, double min, double *ret,
             struct err **err)
{
  const json_t *value = json_object_get (row, name);

  if (value == NULL)
    return err_set (err, ERR_INPUT, "field \"%s\" missing", name);
  if (!json_is_number (value) || json_number_value (value) < min ||
      json_number_value (value) > MAX_FIGURE)
    return err_set (err, ERR_INPUT,
                    "field \"%s\" must be a number from %g to %g", name, min,
                    MAX_FIGURE);
  *ret = json_number_value (value);
  return 0;
}

/* Either capacity and refill_per_second, or calls and window_seconds. */
static int
read_figures (const json_t *row, struct limit_override *o, struct err **err)
{
  bool window = json_object_get (row, "window_seconds") != NULL;
  double seconds;

  for (size_t i = 0; i < 2; i++) {
    static const char *const of_bucket[] = {"capacity", "refill_per_second"};
    static const char *const of_window[] = {"calls", "window_seconds"};
    const char *wrong = (window ? of_bucket : of_window)[i];

    if (json_object_get (row, wrong))
      return err_set (err, ERR_INPUT,
                      "field \"%s\" has no meaning here: a limit has either "
                      "capacity and refill_per_second or calls and "
                      "window_seconds",
                      wrong);
  }
  if (!window) {
    if (read_figure (row, "capacity", 1, &o->capacity, err) == -1)
      return -1;
    return read_figure (row, "refill_per_second", 0.001, &o->refill_per_s, err);
  }
  if (read_figure (row, "calls", 1, &o->capacity, err) == -1 ||
      read_figure (row, "window_seconds", 0.1, &seconds, err) == -1)
    return -1;
  o->window_ms = (int64_t)lround (seconds * 1000);
  return 0;
}

static int
read_pattern (const json_t *row, const char *name, char **ret, struct err **err)
{
  const json_t *value = json_object_get (row, name);

  if (value && !json_is_string (value))
    return err_set (err, ERR_INPUT, "field \"%s\" is no string", name);
  *ret = xstrdup (value ? json_string_value (value) : "*");
  return 0;
}

static void
override_free (struct limit_override *o)
{
  free (o->cloud);
  free (o->account);
  free (o->region);
  free (o->bucket);
}

static int
read_row (const json_t *row, struct limit_override *o, struct err **err)
{
  const char *cloud, *bucket;

  if (!json_is_object (row))
    return err_set (err, ERR_INPUT, "is no object");
  if (check_fields (row, err) == -1 || read_figures (row, o, err) == -1)
    return -1;
  cloud = json_need_str (row, "cloud", err);
  if (cloud == NULL)
    return -1;
  bucket = json_need_str (row, "bucket", err);
  if (bucket == NULL)
    return -1;
  o->cloud = xstrdup (cloud);
  o->bucket = xstrdup (bucket);
  if (read_pattern (row, "account", &o->account, err) == -1)
    return -1;
  return read_pattern (row, "region", &o->region, err);
}

int
limit_overrides_read (const json_t *json, struct limit_override_vec *overrides,
                      struct err **err)
{
  struct limit_override_vec rows = VEC_EMPTY;
  const json_t *array;
  int64_t version;

  if (json_need_int (json, "version", &version, err) == -1)
    return -1;
  if (version != 1)
    return err_set (err, ERR_INPUT,
                    "version %lld of a limits file; this program knows 1",
                    (long long)version);
  array = json_need_array (json, "limits", err);
  if (array == NULL)
    return -1;
  for (size_t i = 0; i < json_array_size (array); i++) {
    struct limit_override o = {0};

    if (read_row (json_array_get (array, i), &o, err) == -1) {
      override_free (&o);
      limit_overrides_free (&rows);
      return err_wrap (err, "limits[%zu]", i);
    }
    limit_override_vec_push (&rows, o);
  }
  for (size_t i = 0; i < rows.len; i++)
    limit_override_vec_push (overrides, rows.ptr[i]);
  limit_override_vec_release (&rows);
  return 0;
}

void
limit_overrides_free (struct limit_override_vec *overrides)
{
  for (size_t i = 0; i < overrides->len; i++)
    override_free (&overrides->ptr[i]);
  limit_override_vec_release (overrides);
}

void
limit_overrides_apply (const struct limit_override_vec *overrides,
                       const struct limit_scope *scope, struct limit_spec *spec)
{
  for (size_t i = 0; i < overrides->len; i++) {
    const struct limit_override *o = &overrides->ptr[i];

    if (strcmp (o->cloud, scope->cloud) != 0 ||
        strcmp (o->bucket, spec->bucket) != 0 ||
        !text_glob_match (o->account, scope->account, false) ||
        !text_glob_match (o->region, scope->region, false))
      continue;
    spec->capacity = o->capacity;
    spec->refill_per_s = o->refill_per_s;
    spec->window_ms = o->window_ms;
  }
}
