/* Faults on order.
 *
 * A rule says which calls it hits and what happens to them:
 *   {"name": "lost attach", "action": "AttachVolume", "every": 3, "times": 2,
 *    "what": "no-answer", "when": "after"}
 * All members are listed in README.md.  Counters are kept in the rule. */

#include "cloud.h"

#include <string.h>

#include <base/text.h>

static const char *const rule_keys[] = {"name",        "service", "action",
                                        "id",          "caller",  "region",
                                        "skip",        "every",   "times",
                                        "what",        "when",    "status",
                                        "probability", "code",    "message",
                                        "delay_ms",    "control", NULL};

static const char *const whats[] = {"error",        "reset",      "no-answer",
                                    "truncated",    "html",       "slow",
                                    "throttle",     "never-ends", "slow-change",
                                    "late-failure", "change",     NULL};

static bool
is_one_of (const char *word, const char *const *words)
{
  for (; *words; words++)
    if (strcmp (word, *words) == 0)
      return true;
  return false;
}

int
fake_rule_check (const json_t *rule, struct err **err)
{
  static const char *const whens[] = {"before", "after", NULL};

  if (fake_check_keys (rule, rule_keys, "fault rule", err) < 0)
    return -1;
  if (!is_one_of (json_str (rule, "what", ""), whats))
    return err_set (err, ERR_INPUT, "fault rule: unknown \"what\": \"%s\"",
                    json_str (rule, "what", ""));
  if (!is_one_of (json_str (rule, "when", "before"), whens))
    return err_set (err, ERR_INPUT,
                    "fault rule: \"when\" is not before or after");
  if (json_int (rule, "every", 1) < 1)
    return err_set (err, ERR_INPUT, "fault rule: \"every\" is less than 1");
  return 0;
}

static bool
names_id (const struct fake_call *call, const char *pattern)
{
  for (size_t i = 0; i < call->ids.len; i++)
    if (text_glob_match (pattern, call->ids.ptr[i], false))
      return true;
  return false;
}

static bool
matches (const struct fake_call *call, const json_t *rule)
{
  const struct {
    const char *key, *value;
  } fields[] = {{"service", call->service},
                {"action", call->action},
                {"caller", call->caller},
                {"region", call->region}};
  const char *id = json_str (rule, "id", NULL);

  for (size_t i = 0; i < ARRAY_SIZE (fields); i++) {
    const char *pattern = json_str (rule, fields[i].key, "*");

    if (!text_glob_match (pattern, fields[i].value, false))
      return false;
  }
  return id == NULL || names_id (call, id);
}

/* Counts a match; does the rule fire at this one? */
static bool
fires (struct fake_cloud *cloud, json_t *rule)
{
  int64_t seen = json_int (rule, "_seen", 0) + 1;
  int64_t fired = json_int (rule, "_fired", 0);
  int64_t since = seen - json_int (rule, "skip", 0);
  const json_t *probability = json_object_get (rule, "probability");

  json_put_int (rule, "_seen", seen);
  if (since <= 0 || since % json_int (rule, "every", 1) != 0)
    return false;
  if (json_object_get (rule, "times") && fired >= json_int (rule, "times", 0))
    return false;
  if (probability &&
      fake_random_unit (cloud) >= json_number_value (probability))
    return false;
  return true;
}

void
fake_fault_pick (struct fake_call *call)
{
  size_t i;
  json_t *rule;

  if (call->cloud->depth)
    return;
  json_array_foreach (call->cloud->rules, i, rule)
  {
    if (!matches (call, rule) || !fires (call->cloud, rule) || call->fault)
      continue;
    json_put_int (rule, "_fired", json_int (rule, "_fired", 0) + 1);
    call->fault = rule;
  }
}

static void
drop_reply (struct fake_call *call, int status, const char *result)
{
  http_reply_release (call->reply);
  call->reply->status = status;
  free (call->result);
  call->result = xstrdup (result);
}

static void
answer_html (struct fake_call *call)
{
  static const char page[] =
      "<html><head><title>502 Bad Gateway</title></head>"
      "<body><h1>502 Bad Gateway</h1><hr>proxy</body></html>\n";

  drop_reply (call, (int)json_int (call->fault, "status", 200), "html");
  http_header_add (&call->reply->headers, "Content-Type",
                   call->module->content_type);
  call->reply->body = xstrdup (page);
  call->reply->body_len = strlen (page);
}

static void
truncate_reply (struct fake_call *call)
{
  if (call->reply->body_len < 2)
    return;
  call->reply->status = FAKE_TRUNCATED;
  call->reply->body_len /= 2;
  call->reply->body[call->reply->body_len] = '\0';
}

static void
run_control (struct fake_call *call)
{
  CLEANUP_ERR struct err *err = NULL;
  json_t *control = json_object_get (call->fault, "control");
  CLEANUP_JSON json_t *out = NULL;

  call->cloud->depth++;
  out = fake_cloud_control (call->cloud, control, &err);
  call->cloud->depth--;
  if (out == NULL)
    json_array_append_new (call->cloud->calls, json_make ("{s:s,s:s}", "action",
                                                          "fault rule: control",
                                                          "result", err->msg));
}

/* What replaces the reply; the effect, if any, has been had. */
static bool
replace_reply (struct fake_call *call)
{
  const char *what = json_str (call->fault, "what", "");

  if (strcmp (what, "reset") == 0)
    drop_reply (call, FAKE_RESET, "reset");
  else if (strcmp (what, "no-answer") == 0)
    drop_reply (call, FAKE_NO_ANSWER, "no-answer");
  else if (strcmp (what, "html") == 0)
    answer_html (call);
  else if (strcmp (what, "throttle") == 0) {
    drop_reply (call, 0, "");
    call->module->throttled (call);
  } else if (strcmp (what, "error") == 0) {
    drop_reply (call, 0, "");
    call->module->fail (
        call, (int)json_int (call->fault, "status", 503),
        json_str (call->fault, "code", "Unavailable"),
        json_str (call->fault, "message",
                  "The service is unavailable. Please try again shortly."));
  } else
    return false;
  return true;
}

static bool
is_when (const struct fake_call *call, const char *when)
{
  return call->fault &&
         strcmp (json_str (call->fault, "when", "before"), when) == 0;
}

bool
fake_fault_before (struct fake_call *call)
{
  const char *what = json_str (call->fault, "what", "");

  if (strcmp (what, "slow") == 0)
    call->latency_ms += json_int (call->fault, "delay_ms", 10000);
  if (!is_when (call, "before"))
    return false;
  if (strcmp (what, "change") == 0)
    run_control (call);
  return replace_reply (call);
}

void
fake_fault_after (struct fake_call *call)
{
  const char *what = json_str (call->fault, "what", "");

  /* A body can only be cut once it is there. */
  if (strcmp (what, "truncated") == 0)
    truncate_reply (call);
  if (!is_when (call, "after"))
    return;
  if (strcmp (what, "change") == 0)
    run_control (call);
  replace_reply (call);
}
