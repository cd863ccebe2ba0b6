/* GetConsoleOutput, GetConsoleScreenshot. */

#include "aws.h"

#include <string.h>

#include <base/strbuf.h>

enum {
  MAX_CONSOLE = 64 * 1024,
  DARK = 40,
  BRIGHT = 200
};

/* A crash loop prints its last words again at every round. */
static void
add_console (struct fake_call *call, const json_t *body, struct strbuf *text)
{
  int64_t period = aws_time_ms (call->cloud, "crash_period");
  int64_t since = call->cloud->now_ms - json_int (body, "_bootedMs", 0);
  int64_t rounds = 1;

  if (!json_bool (body, "_boots", true) && period > 0)
    rounds += since / period;
  if (rounds > 20)
    rounds = 20;
  for (int64_t i = 0; i < rounds && text->len < MAX_CONSOLE; i++)
    strbuf_addstr (text, json_str (body, "_console", ""));
}

static int
get_output (struct fake_call *call)
{
  struct fake_object *instance =
      aws_instance (call, aws_param (call, "InstanceId"));
  const json_t *body =
      instance ? fake_object_view (call->cloud, instance) : NULL;
  CLEANUP_STRBUF struct strbuf text = STRBUF_EMPTY;
  CLEANUP_FREE char *output = NULL;
  int64_t age;

  if (body == NULL)
    return -1;
  age = call->cloud->now_ms - json_int (body, "_bootedMs", 0);
  /* What was posted after boot, unless the current text is asked for. */
  if (aws_flag (call, "Latest") || age >= aws_time_ms (call->cloud, "console"))
    add_console (call, body, &text);
  json_put_str (call->out, "instanceId", instance->id);
  aws_put_now (call->cloud, call->out, "timestamp");
  output = fake_base64 (text.buf ? text.buf : "", text.len);
  json_put_str (call->out, "output", output);
  return 0;
}

static int
get_screenshot (struct fake_call *call)
{
  struct fake_object *instance =
      aws_instance (call, aws_param (call, "InstanceId"));
  CLEANUP_FREE char *picture = NULL;

  if (instance == NULL)
    return -1;
  if (strcmp (aws_state (instance), "running") != 0)
    return aws_fail (call, 400, "IncorrectInstanceState",
                     "The instance '%s' is not in the 'running' state.",
                     instance->id);
  picture =
      fake_picture (json_bool (instance->body, "_boots", true) ? BRIGHT : DARK);
  json_put_str (call->out, "instanceId", instance->id);
  json_put_str (call->out, "imageData", picture);
  return 0;
}

const struct aws_action aws_console_actions[] = {
    {"ec2", "GetConsoleOutput", "InstanceId! Latest:b", get_output},
    {"ec2", "GetConsoleScreenshot", "InstanceId! WakeUp:b", get_screenshot},
    {NULL},
};
