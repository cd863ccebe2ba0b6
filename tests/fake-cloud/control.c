/* What a test does to a cloud besides calling it, and what it may look at. */

#include "cloud.h"

#include <string.h>

/* ---- looking ---- */

static json_t *
state_of (const struct fake_object *object)
{
  json_t *state = json_deep_copy (object->body);

  json_put_str (state, "_account", object->account);
  json_put_str (state, "_region", object->region);
  return state;
}

json_t *
fake_cloud_state (struct fake_cloud *cloud)
{
  json_t *objects = json_object ();
  CLEANUP_FREE char *time = NULL;

  fake_run_timers (cloud);
  time = fake_time_text (fake_now_ms (cloud));
  for (size_t i = 0; i < cloud->objects.len; i++) {
    const struct fake_object *object = cloud->objects.ptr[i];
    json_t *kind = json_object_get (objects, object->kind);

    if (object->gone)
      continue;
    if (kind == NULL) {
      kind = json_object ();
      json_put (objects, object->kind, kind);
    }
    json_put (kind, object->id, state_of (object));
  }
  return json_make ("{s:s,s:o}", "time", time, "objects", objects);
}

json_t *
fake_cloud_object (struct fake_cloud *cloud, const char *id)
{
  const struct fake_object *object;

  fake_run_timers (cloud);
  object = fake_object_find (cloud, NULL, id, NULL, NULL);
  return object ? state_of (object) : NULL;
}

json_t *
fake_cloud_calls (struct fake_cloud *cloud, size_t first)
{
  json_t *calls = json_array ();

  for (size_t i = first; i < json_array_size (cloud->calls); i++)
    json_array_append (calls, json_array_get (cloud->calls, i));
  return calls;
}

/* ---- doing ---- */

/* {"ms": N, "clients": bool}: with clients, their clocks too (tokens expire).
 */
static json_t *
control_advance (struct fake_cloud *cloud, const json_t *op, struct err **err)
{
  int64_t ms;

  if (json_need_int (op, "ms", &ms, err) < 0)
    return NULL;
  if (json_bool (op, "clients", false))
    cloud->auth_offset_ms += ms;
  fake_cloud_advance (cloud, ms);
  return json_object ();
}

/* {"rule": {...}} */
static json_t *
control_fault (struct fake_cloud *cloud, const json_t *op, struct err **err)
{
  const json_t *rule = json_need_object (op, "rule", err);

  if (rule == NULL || fake_rule_check (rule, err) < 0)
    return NULL;
  json_array_append_new (cloud->rules, json_deep_copy (rule));
  return json_object ();
}

static json_t *
control_clear_faults (struct fake_cloud *cloud, const json_t *op,
                      struct err **err)
{
  (void)op;
  (void)err;
  json_array_clear (cloud->rules);
  return json_object ();
}

/* {"id": ID, "body": merge patch} */
static json_t *
control_set (struct fake_cloud *cloud, const json_t *op, struct err **err)
{
  const char *id = json_need_str (op, "id", err);
  const json_t *body = id ? json_need_object (op, "body", err) : NULL;
  struct fake_object *object;

  if (body == NULL)
    return NULL;
  object = fake_object_find (cloud, NULL, id, NULL, NULL);
  if (object == NULL) {
    err_set (err, ERR_NOT_FOUND, "no object \"%s\"", id);
    return NULL;
  }
  fake_merge (object->body, body);
  fake_object_changed (cloud, object);
  return state_of (object);
}

/* {"name": "stale_ms", "value": 5000}: any part of the configuration; a dot in
 * the name goes into an object. */
static json_t *
control_switch (struct fake_cloud *cloud, const json_t *op, struct err **err)
{
  const char *name = json_need_str (op, "name", err);
  CLEANUP_FREE char *path = xstrdup (name ? name : "");
  json_t *at = cloud->config;
  char *part = path;

  if (name == NULL)
    return NULL;
  for (char *dot; (dot = strchr (part, '.')) != NULL; part = dot + 1) {
    *dot = '\0';
    if (!json_is_object (json_object_get (at, part)))
      json_put (at, part, json_object ());
    at = json_object_get (at, part);
  }
  json_object_set (at, part, json_object_get (op, "value"));
  if (json_object_get (op, "value") == NULL)
    json_object_del (at, part);
  /* Reads that become stale need a past to show. */
  if (strcmp (name, "stale_ms") == 0)
    for (size_t i = 0; i < cloud->objects.len; i++)
      fake_object_changed (cloud, cloud->objects.ptr[i]);
  return json_object ();
}

static int
fill_form (struct http_request *req, const json_t *form, struct err **err)
{
  CLEANUP_STRBUF struct strbuf sb = STRBUF_EMPTY;
  const char *key;
  json_t *value;

  json_object_foreach ((json_t *)form, key, value)
  {
    if (!json_is_string (value))
      return err_set (err, ERR_INPUT, "form: \"%s\" is not a text", key);
    http_form_add (&sb, key, json_string_value (value));
  }
  req->body_len = sb.len;
  req->body = strbuf_take (&sb);
  return 0;
}

/* {"service", "region", "url", "method", "form": {..} | "body": text}: a call
 * by a second actor who may do everything; no fault rule hits it. */
static json_t *
control_call (struct fake_cloud *cloud, const json_t *op, struct err **err)
{
  CLEANUP_HTTP_REQUEST struct http_request req = {0};
  CLEANUP_HTTP_REPLY struct http_reply reply = {0};
  const char *text;

  req.method = xstrdup (json_str (op, "method", "POST"));
  req.url = xstrdup (json_str (op, "url", "http://fake/"));
  req.sign = HTTP_SIGN_SIGV4;
  req.sign_service = xstrdup (json_str (op, "service", "ec2"));
  req.sign_region = xstrdup (json_str (op, "region", ""));
  text = json_str (op, "body", "");
  if (json_object_get (op, "form")) {
    if (fill_form (&req, json_object_get (op, "form"), err) < 0)
      return NULL;
  } else {
    req.body = xstrdup (text);
    req.body_len = strlen (text);
  }
  cloud->depth++;
  fake_cloud_handle (cloud, &req, &reply);
  cloud->depth--;
  return json_make ("{s:i,s:s}", "status", reply.status, "body", reply.body);
}

static const struct {
  const char *name;
  json_t *(*run) (struct fake_cloud *, const json_t *, struct err **);
} controls[] = {
    {"advance", control_advance}, {"fault", control_fault},
    {"set", control_set},         {"clear-faults", control_clear_faults},
    {"call", control_call},       {"switch", control_switch},
};

json_t *
fake_cloud_control (struct fake_cloud *cloud, const json_t *op,
                    struct err **err)
{
  const char *name = json_need_str (op, "op", err);

  if (name == NULL)
    return NULL;
  /* Inside a call time stands still. */
  if (cloud->depth == 0)
    fake_run_timers (cloud);
  for (size_t i = 0; i < ARRAY_SIZE (controls); i++)
    if (strcmp (controls[i].name, name) == 0)
      return controls[i].run (cloud, op, err);
  err_set (err, ERR_INPUT, "unknown control \"%s\"", name);
  return NULL;
}
