/* Objects, their ids and, while reads are stale, their former bodies. */

#include "cloud.h"

#include <string.h>

struct fake_object *
fake_object_add (struct fake_cloud *cloud, const char *kind, const char *id,
                 const char *prefix, const char *account, const char *region,
                 json_t *body_taken)
{
  struct fake_object *object = xcalloc (1, sizeof *object);

  object->kind = xstrdup (kind);
  if (id != NULL)
    object->id = xstrdup (id);
  else {
    CLEANUP_FREE char *hex = fake_random_hex (cloud, 16);

    object->id = xasprintf ("%s0%s", prefix, hex);
  }
  object->account = xstrdup (account);
  object->region = xstrdup (region);
  object->body = body_taken;
  object->created_ms = cloud->now_ms;
  json_object_set_new (cloud->index, object->id,
                       json_integer ((json_int_t)cloud->objects.len));
  fake_objects_push (&cloud->objects, object);
  fake_object_changed (cloud, object);
  return object;
}

struct fake_object *
fake_object_find (struct fake_cloud *cloud, const char *kind, const char *id,
                  const char *account, const char *region)
{
  const json_t *at = id ? json_object_get (cloud->index, id) : NULL;
  struct fake_object *object;

  if (at == NULL)
    return NULL;
  object = cloud->objects.ptr[json_integer_value (at)];
  if (object->gone || (kind && strcmp (object->kind, kind) != 0) ||
      (account && strcmp (object->account, account) != 0) ||
      (region && strcmp (object->region, region) != 0))
    return NULL;
  return object;
}

/* How far reads may lag behind. */
static int64_t
stale_ms (const struct fake_cloud *cloud)
{
  const json_t *lag = fake_config (cloud, "stale_ms");

  return json_integer_value (json_is_array (lag) ? json_array_get (lag, 1)
                                                 : lag);
}

void
fake_draw_lag (struct fake_cloud *cloud)
{
  const json_t *lag = fake_config (cloud, "stale_ms");
  int64_t least = json_integer_value (json_array_get (lag, 0));

  cloud->lag_ms = stale_ms (cloud);
  if (json_is_array (lag) && cloud->lag_ms > least)
    cloud->lag_ms = least + (int64_t)(fake_random (cloud) %
                                      (uint64_t)(cloud->lag_ms - least + 1));
}

static void
forget_versions (struct fake_object *object, int64_t older_than_ms)
{
  while (object->history.len > 1 &&
         object->history.ptr[1].at_ms <= older_than_ms) {
    struct fake_version old = fake_versions_remove (&object->history, 0);

    json_decref (old.body);
  }
}

void
fake_object_changed (struct fake_cloud *cloud, struct fake_object *object)
{
  struct fake_version version = {cloud->now_ms, NULL};

  if (stale_ms (cloud) <= 0)
    return;
  if (!object->gone)
    version.body = json_deep_copy (object->body);
  fake_versions_push (&object->history, version);
  forget_versions (object, cloud->now_ms - stale_ms (cloud));
}

void
fake_object_remove (struct fake_cloud *cloud, struct fake_object *object)
{
  object->gone = true;
  fake_timers_cancel (cloud, object, NULL);
  fake_object_changed (cloud, object);
}

const json_t *
fake_object_view (struct fake_cloud *cloud, const struct fake_object *object)
{
  int64_t lag = cloud->lag_ms, at = cloud->now_ms - lag;
  int64_t hidden =
      json_integer_value (fake_config (cloud, "new_object_hidden_ms"));
  const json_t *body = object->gone ? NULL : object->body;

  /* What was there at the start has always been there. */
  if (object->created_ms > 0 && cloud->now_ms < object->created_ms + hidden)
    return NULL;
  if (lag <= 0 || object->history.len == 0)
    return body;
  if (object->created_ms > 0 && at < object->created_ms)
    return NULL;
  for (size_t i = object->history.len; i-- > 0;)
    if (object->history.ptr[i].at_ms <= at)
      return object->history.ptr[i].body;
  return object->history.ptr[0].body;
}

void
fake_objects_free (struct fake_cloud *cloud)
{
  for (size_t i = 0; i < cloud->objects.len; i++) {
    struct fake_object *object = cloud->objects.ptr[i];

    for (size_t j = 0; j < object->history.len; j++)
      json_decref (object->history.ptr[j].body);
    fake_versions_release (&object->history);
    json_decref (object->body);
    free (object->kind);
    free (object->id);
    free (object->account);
    free (object->region);
    free (object);
  }
  fake_objects_release (&cloud->objects);
}

void
fake_merge (json_t *target, const json_t *patch)
{
  const char *key;
  json_t *value;

  json_object_foreach ((json_t *)patch, key, value)
  {
    json_t *old = json_object_get (target, key);

    if (json_is_null (value))
      json_object_del (target, key);
    else if (json_is_object (value) && json_is_object (old))
      fake_merge (old, value);
    else
      json_object_set_new (target, key, json_deep_copy (value));
  }
}
