#include "retry.h"

#include "skew.h"

#define DAY_MS INT64_C (86400000)

const struct retry_policy retry_policy_default = {.max_attempts = 6,
                                                  .base_ms = 500,
                                                  .cap_ms = 30000,
                                                  .total_ms = 900000,
                                                  .throttled_ms = 7200000};

const struct retry_policy retry_policy_metadata = {.max_attempts = 3,
                                                   .base_ms = 250,
                                                   .cap_ms = 2000,
                                                   .total_ms = 20000,
                                                   .throttled_ms = 20000};

enum effect {
  EFFECT_NONE,    /* refused before anything was done */
  EFFECT_IF_SENT, /* possible if it was sent */
  EFFECT_POSSIBLE
};

/* What is worth another try; a code that is not here is final. */
static const struct rule {
  enum err_code code;
  enum effect effect;
  bool counts; /* as one of max_attempts */
  const char *why;
} rules[] = {
    {ERR_THROTTLED, EFFECT_NONE, false, "throttled"},
    {ERR_TRANSIENT, EFFECT_IF_SENT, true, "failed for the moment"},
    {ERR_TIMEOUT, EFFECT_IF_SENT, true, "timed out"},
    {ERR_UNKNOWN_EFFECT, EFFECT_POSSIBLE, true, "the reply was lost"},
};

static const struct rule *
find_rule (enum err_code code)
{
  for (size_t i = 0; i < ARRAY_SIZE (rules); i++)
    if (rules[i].code == code)
      return &rules[i];
  return NULL;
}

/* Full jitter. */
static int64_t
backoff_ms (const struct retry_policy *policy, unsigned attempt,
            struct random_source *random)
{
  int64_t limit = policy->base_ms;

  for (unsigned i = 1; i < attempt && limit < policy->cap_ms; i++)
    limit *= 2;
  if (limit > policy->cap_ms)
    limit = policy->cap_ms;
  return (int64_t)random_below (random, (uint64_t)limit + 1);
}

struct retry_decision
retry_decide (const struct retry_policy *policy, const struct retry_case *what,
              struct random_source *random)
{
  const struct rule *rule = find_rule (what->code);
  struct retry_decision d = {RETRY_GIVE_UP, 0, "repeating can't help"};
  bool effect;

  if (rule == NULL)
    return d;
  d.why = rule->why;
  d.wait_ms = backoff_ms (policy, what->attempt, random);
  /* Those that waited for the same Retry-After spread out behind it. */
  if (what->retry_after_ms > 0)
    d.wait_ms = what->retry_after_ms + d.wait_ms / 4;
  effect = rule->effect == EFFECT_POSSIBLE ||
           (rule->effect == EFFECT_IF_SENT && what->sent);
  if (effect && !what->repeatable) {
    /* Looking is always right, however late. */
    d.verdict = RETRY_LOOK;
    return d;
  }
  if (rule->counts && what->attempt >= policy->max_attempts) {
    d.wait_ms = 0;
    d.why = "failed too often";
    return d;
  }
  if (what->elapsed_ms + d.wait_ms >
      (rule->counts ? policy->total_ms : policy->throttled_ms)) {
    d.wait_ms = 0;
    d.why = "no time left";
    return d;
  }
  d.verdict = RETRY_AGAIN;
  return d;
}

enum err_code
http_status_code (int status, bool repeatable)
{
  static const struct {
    int status;
    enum err_code code;
  } codes[] = {
      {401, ERR_AUTH},      {403, ERR_DENIED},   {404, ERR_NOT_FOUND},
      {407, ERR_AUTH},      {408, ERR_TIMEOUT},  {409, ERR_CONFLICT},
      {410, ERR_NOT_FOUND}, {412, ERR_CONFLICT}, {425, ERR_TRANSIENT},
      {429, ERR_THROTTLED}, {501, ERR_PROTOCOL}, {505, ERR_PROTOCOL},
  };

  for (size_t i = 0; i < ARRAY_SIZE (codes); i++)
    if (codes[i].status == status)
      return codes[i].code;
  if (status >= 500 && status <= 599)
    return repeatable ? ERR_TRANSIENT : ERR_UNKNOWN_EFFECT;
  if (status >= 400 && status <= 499)
    return ERR_INPUT;
  if (status >= 300 && status <= 399)
    return ERR_PROTOCOL;
  return ERR_INTERNAL;
}

/* A run of digits and nothing else, clamped to a day; -1 if it is none. */
static int64_t
read_digits (const char *text, int64_t unit_ms)
{
  int64_t n = 0;

  if (*text == '\0')
    return -1;
  for (; *text; text++) {
    if (*text < '0' || *text > '9')
      return -1;
    if (n <= DAY_MS)
      n = n * 10 + (*text - '0');
  }
  return n > DAY_MS / unit_ms ? DAY_MS : n * unit_ms;
}

int64_t
http_retry_after_ms (const struct http_reply *reply, int64_t now_wall_ms)
{
  static const struct {
    const char *name;
    int64_t unit_ms;
  } headers[] = {{"retry-after-ms", 1},
                 {"x-ms-retry-after-ms", 1},
                 {"retry-after", 1000}};
  const char *value;
  int64_t ms = -1, when_ms;

  for (size_t i = 0; i < ARRAY_SIZE (headers) && ms < 0; i++) {
    value = http_header_get (&reply->headers, headers[i].name);
    if (value)
      ms = read_digits (value, headers[i].unit_ms);
  }
  if (ms < 0) {
    value = http_header_get (&reply->headers, "retry-after");
    if (value == NULL || http_date_parse_ms (value, &when_ms) == -1)
      return 0;
    ms = when_ms - now_wall_ms;
  }
  if (ms > DAY_MS)
    return DAY_MS;
  return ms < 1 ? 1 : ms;
}
