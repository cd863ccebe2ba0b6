/* Life of a cloud: configuration, time, chance, and the way of a call. */

#include "cloud.h"

#include <stdio.h>
#include <string.h>

#include <base/text.h>

static const char *const config_keys[] = {"seed",
                                          "speed",
                                          "latency_ms",
                                          "stale_ms",
                                          "page_size",
                                          "throttle",
                                          "new_object_hidden_ms",
                                          "faults",
                                          "images_folder",
                                          "boot_command",
                                          "devices_folder",
                                          "time_scale",
                                          "aws",
                                          "azure",
                                          "gcp",
                                          "no_log",
                                          NULL};

int
fake_check_keys (const json_t *object, const char *const *allowed,
                 const char *what, struct err **err)
{
  const char *key;
  json_t *value;

  if (!json_is_object (object))
    return err_set (err, ERR_INPUT, "%s: not an object", what);
  json_object_foreach ((json_t *)object, key, value)
  {
    size_t i = 0;

    while (allowed[i] && strcmp (allowed[i], key) != 0)
      i++;
    if (allowed[i] == NULL)
      return err_set (err, ERR_INPUT, "%s: unknown key \"%s\"", what, key);
  }
  return 0;
}

int
fake_load_times (struct fake_cloud *cloud, const char *part,
                 const struct fake_time *usual, const json_t *config,
                 struct err **err)
{
  const json_t *own = json_object_get (config, "times");
  json_t *times = json_object (), *value;
  const char *name;

  for (; usual->name; usual++)
    json_put_int (times, usual->name, usual->ms);
  json_object_foreach ((json_t *)own, name, value)
  {
    if (json_object_get (times, name) == NULL || !json_is_integer (value)) {
      json_decref (times);
      return err_set (err, ERR_INPUT, "times: unknown or no number: \"%s\"",
                      name);
    }
  }
  if (own)
    fake_merge (times, own);
  /* `config` may be that part itself. */
  json_put (json_object_get (cloud->config, part), "times", times);
  return 0;
}

static int
load_modules (struct fake_cloud *cloud, struct err **err)
{
  for (size_t i = 0; fake_modules[i]; i++) {
    const json_t *config =
        json_object_get (cloud->config, fake_modules[i]->name);

    if (config && fake_modules[i]->load (cloud, config, err) < 0)
      return err_wrap (err, "%s", fake_modules[i]->name);
  }
  return 0;
}

static int
load_rules (struct fake_cloud *cloud, struct err **err)
{
  size_t i;
  json_t *rule;

  json_array_foreach (json_object_get (cloud->config, "faults"), i, rule)
  {
    if (fake_rule_check (rule, err) < 0)
      return err_wrap (err, "fault rule %zu", i);
    json_array_append_new (cloud->rules, json_deep_copy (rule));
  }
  return 0;
}

struct fake_cloud *
fake_cloud_new (const json_t *config, const struct clock *clock,
                struct err **err)
{
  struct fake_cloud *cloud = xcalloc (1, sizeof *cloud);
  const json_t *speed = json_object_get (config, "speed");

  cloud->clock = clock;
  cloud->clock_start_ms = clock_now_ms (clock);
  cloud->wall_start_ms = clock_wall_ms (clock);
  cloud->speed = json_is_number (speed) ? json_number_value (speed) : 1.0;
  cloud->random = (uint64_t)json_int (config, "seed", 1);
  cloud->config =
      json_make ("{s:{s:b,s:f}}", "throttle", "enabled", 1, "scale", 1.0);
  cloud->index = json_object ();
  cloud->rules = json_array ();
  cloud->calls = json_array ();
  cloud->tokens = json_object ();
  if (fake_check_keys (config, config_keys, "configuration", err) < 0) {
    fake_cloud_free (cloud);
    return NULL;
  }
  fake_merge (cloud->config, config);
  if (load_rules (cloud, err) < 0 || load_modules (cloud, err) < 0) {
    fake_cloud_free (cloud);
    return NULL;
  }
  return cloud;
}

void
fake_cloud_free (struct fake_cloud *cloud)
{
  if (cloud == NULL)
    return;
  fake_timers_free (cloud);
  fake_objects_free (cloud);
  fake_throttle_free (cloud);
  json_decref (cloud->config);
  json_decref (cloud->index);
  json_decref (cloud->rules);
  json_decref (cloud->calls);
  json_decref (cloud->tokens);
  free (cloud);
}

int64_t
fake_now_ms (const struct fake_cloud *cloud)
{
  return cloud->wall_start_ms + cloud->now_ms;
}

int64_t
fake_client_time_ms (const struct fake_cloud *cloud)
{
  return clock_wall_ms (cloud->clock) + cloud->auth_offset_ms;
}

int64_t
fake_cloud_time_ms (struct fake_cloud *cloud)
{
  fake_run_timers (cloud);
  return fake_now_ms (cloud);
}

void
fake_cloud_advance (struct fake_cloud *cloud, int64_t by_ms)
{
  cloud->offset_ms += by_ms;
  fake_run_timers (cloud);
}

char *
fake_time_text (int64_t wall_ms)
{
  CLEANUP_FREE char *text = time_format_ms (wall_ms / 1000 * 1000);

  return xasprintf ("%.19s.%03dZ", text, (int)(wall_ms % 1000));
}

/* SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number
 * generators"): any seed will do. */
uint64_t
fake_random (struct fake_cloud *cloud)
{
  uint64_t z = cloud->random += UINT64_C (0x9e3779b97f4a7c15);

  z = (z ^ (z >> 30)) * UINT64_C (0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * UINT64_C (0x94d049bb133111eb);
  return z ^ (z >> 31);
}

double
fake_random_unit (struct fake_cloud *cloud)
{
  return (double)(fake_random (cloud) >> 11) / 9007199254740992.0;
}

char *
fake_random_hex (struct fake_cloud *cloud, unsigned digits)
{
  struct strbuf sb = STRBUF_EMPTY;

  while (sb.len < digits)
    strbuf_addf (&sb, "%x", (unsigned)(fake_random (cloud) >> 60));
  return strbuf_take (&sb);
}

char *
fake_uuid (struct fake_cloud *cloud)
{
  uint64_t high = fake_random (cloud), low = fake_random (cloud);

  return xasprintf ("%08x-%04x-4%03x-%04x-%012llx", (unsigned)(high >> 32),
                    (unsigned)(high >> 16) & 0xffff, (unsigned)high & 0xfff,
                    (unsigned)(0x8000 | (low >> 48 & 0x3fff)),
                    (unsigned long long)(low & 0xffffffffffff));
}

const json_t *
fake_config (const struct fake_cloud *cloud, const char *path)
{
  return json_at (cloud->config, path);
}

/* ---- the way of a call ---- */

static void
log_call (const struct fake_call *call)
{
  json_t *ids;

  if (json_is_true (fake_config (call->cloud, "no_log")))
    return;
  ids = json_array ();
  for (size_t i = 0; i < call->ids.len; i++)
    json_array_append_new (ids, json_string (call->ids.ptr[i]));
  json_array_append_new (
      call->cloud->calls,
      json_make ("{s:I,s:I,s:s,s:s,s:s,s:s,s:o,s:O,s:s,s:i,s:b,s:s*}", "n",
                 (json_int_t)json_array_size (call->cloud->calls), "time_ms",
                 (json_int_t)call->cloud->now_ms, "service", call->service,
                 "region", call->region, "caller", call->caller, "action",
                 call->action, "ids", ids, "params", call->params, "result",
                 call->result, "status", call->reply->status, "effect",
                 call->effect, "fault",
                 call->fault ? json_str (call->fault, "name", "fault") : NULL));
}

static void
release_call (struct fake_call *call)
{
  free (call->action);
  free (call->account);
  free (call->region);
  free (call->caller);
  free (call->request_id);
  free (call->result);
  str_vec_free_all (&call->ids);
  json_decref (call->params);
  json_decref (call->out);
}

static int64_t
usual_latency_ms (struct fake_cloud *cloud)
{
  const json_t *range = fake_config (cloud, "latency_ms");
  int64_t low = json_integer_value (json_array_get (range, 0));
  int64_t high = json_integer_value (json_array_get (range, 1));

  if (high <= low)
    return low;
  return low + (int64_t)(fake_random (cloud) % (uint64_t)(high - low + 1));
}

static const struct fake_module *
find_module (struct fake_cloud *cloud, const struct http_request *req)
{
  for (size_t i = 0; fake_modules[i]; i++)
    if (json_object_get (cloud->config, fake_modules[i]->name) &&
        fake_modules[i]->owns (cloud, req))
      return fake_modules[i];
  return NULL;
}

static void
set_if_null (char **text, const char *otherwise)
{
  if (*text == NULL)
    *text = xstrdup (otherwise);
}

static void
nobodys_request (struct http_reply *reply)
{
  reply->status = 404;
  reply->body =
      xstrdup ("fake cloud: nothing of this cloud is at this address\n");
  reply->body_len = strlen (reply->body);
}

int64_t
fake_cloud_handle (struct fake_cloud *cloud, const struct http_request *request,
                   struct http_reply *reply)
{
  struct fake_call call = {.cloud = cloud, .req = request, .reply = reply};

  memset (reply, 0, sizeof *reply);
  fake_run_timers (cloud);
  call.module = find_module (cloud, request);
  if (call.module == NULL) {
    nobodys_request (reply);
    return 0;
  }
  call.params = json_object ();
  call.out = json_object ();
  call.request_id = fake_uuid (cloud);
  call.latency_ms = usual_latency_ms (cloud);
  fake_draw_lag (cloud);
  call.service = call.module->name;
  call.module->parse (&call);
  set_if_null (&call.action, "");
  set_if_null (&call.account, "");
  set_if_null (&call.region, "");
  set_if_null (&call.caller, "");
  if (!http_header_get (&request->headers, FAKE_HELD))
    fake_fault_pick (&call);
  if (!fake_fault_before (&call)) {
    call.module->serve (&call);
    fake_fault_after (&call);
  }
  if (reply->body == NULL)
    reply->body = xstrdup ("");
  set_if_null (&call.result, "ok");
  if (reply->status != FAKE_HOLD)
    log_call (&call);
  release_call (&call);
  return call.latency_ms;
}
