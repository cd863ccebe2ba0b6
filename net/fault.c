#include "fault.h"

#include <string.h>

#include <base/random.h>

#include "arrivals.h"

#define OWN_TAG (UINT64_C (1) << 63)

struct rule_state {
  struct fault_rule rule;
  unsigned seen, struck;
};

/* A request below whose answer a rule is waiting for. */
struct planned {
  uint64_t tag;
  const struct fault_rule *rule;
};

DEFINE_VEC (struct planned, planned_vec);

struct fault_transport {
  struct transport base;
  struct transport *below;
  const struct clock *clock;
  struct random_source random;
  struct rule_state *rules;
  size_t nrules;
  struct planned_vec planned;
  struct arrivals held;
};

static const char *const kind_names[] = {
    [FAULT_RESET_BEFORE] = "reset-before",
    [FAULT_LOST_REQUEST] = "lost-request",
    [FAULT_LOST_REPLY] = "lost-reply",
    [FAULT_STATUS_BEFORE] = "status-before",
    [FAULT_STATUS_AFTER] = "status-after",
    [FAULT_SLOW] = "slow",
    [FAULT_TRUNCATED] = "truncated",
    [FAULT_HTML] = "html",
    [FAULT_TWICE] = "twice",
};

const char *
fault_kind_name (enum fault_kind kind)
{
  return (size_t)kind < ARRAY_SIZE (kind_names) ? kind_names[kind] : "?";
}

int
fault_kind_from_name (const char *name, enum fault_kind *kind)
{
  for (size_t i = 0; i < ARRAY_SIZE (kind_names); i++)
    if (strcmp (kind_names[i], name) == 0) {
      *kind = (enum fault_kind)i;
      return 0;
    }
  return -1;
}

static bool
matches (const struct fault_rule *rule, const struct http_request *req)
{
  CLEANUP_FREE char *line = NULL;

  if (rule->match == NULL)
    return true;
  if (req->body &&
      memmem (req->body, req->body_len, rule->match, strlen (rule->match)))
    return true;
  line = xasprintf ("%s %s", req->method, req->url);
  return strstr (line, rule->match) != NULL;
}

static bool
strikes (struct fault_transport *ft, struct rule_state *s)
{
  const struct fault_rule *rule = &s->rule;
  unsigned n;

  if (s->seen++ < rule->skip || (rule->times && s->struck >= rule->times))
    return false;
  n = s->seen - rule->skip;
  if (rule->every)
    return n % rule->every == 0;
  return random_below (&ft->random, 1000) < rule->per_mille;
}

static const struct fault_rule *
choose (struct fault_transport *ft, const struct http_request *req)
{
  for (size_t i = 0; i < ft->nrules; i++)
    if (matches (&ft->rules[i].rule, req) && strikes (ft, &ft->rules[i])) {
      ft->rules[i].struck++;
      return &ft->rules[i].rule;
    }
  return NULL;
}

static void
status_reply (struct http_reply *reply, const struct fault_rule *rule)
{
  http_reply_release (reply);
  reply->status = rule->status;
  http_header_add (&reply->headers, "Content-Type", "text/plain");
  if (rule->retry_after_s) {
    CLEANUP_FREE char *value = xasprintf ("%u", rule->retry_after_s);

    http_header_add (&reply->headers, "Retry-After", value);
  }
  http_reply_set_body (reply, "injected fault", 14);
}

/* Those that the service below never sees. */
static bool
answer_instead (struct fault_transport *ft, const struct fault_rule *rule,
                uint64_t tag)
{
  struct exchange done = {.tag = tag,
                          .started_wall_ms = clock_wall_ms (ft->clock)};

  switch (rule->kind) {
  case FAULT_RESET_BEFORE:
    err_set (&done.err, ERR_TRANSIENT, "injected fault: connection refused");
    break;
  case FAULT_LOST_REQUEST:
    err_set (&done.err, ERR_UNKNOWN_EFFECT, "injected fault: no reply");
    done.sent = true;
    break;
  case FAULT_STATUS_BEFORE:
    status_reply (&done.reply, rule);
    done.sent = true;
    break;
  default:
    return false;
  }
  arrivals_add (&ft->held, ft->clock, done, rule->delay_ms);
  return true;
}

static int
fault_submit (struct transport *t, const struct http_request *req,
              const struct http_auth *auth, uint64_t tag, struct err **err)
{
  struct fault_transport *ft = (struct fault_transport *)t;
  const struct fault_rule *rule = choose (ft, req);
  struct planned plan = {tag, rule};

  if (rule && answer_instead (ft, rule, tag))
    return 0;
  if (transport_submit (ft->below, req, auth, tag, err) == -1)
    return -1;
  if (rule == NULL)
    return 0;
  planned_vec_push (&ft->planned, plan);
  /* The second is only for its effect; if there is no room for it, there was
   * no second. */
  if (rule->kind == FAULT_TWICE)
    (void)!transport_submit (ft->below, req, auth, tag | OWN_TAG, NULL);
  return 0;
}

static void
spoil (const struct fault_rule *rule, struct exchange *done)
{
  static const char html[] = "<html><head><title>502 Bad Gateway</title></head>"
                             "<body><h1>Bad Gateway</h1></body></html>";

  if (done->err)
    return; /* it has gone wrong by itself */
  switch (rule->kind) {
  case FAULT_LOST_REPLY:
    http_reply_release (&done->reply);
    err_set (&done->err, ERR_UNKNOWN_EFFECT, "injected fault: reply lost");
    break;
  case FAULT_STATUS_AFTER:
    status_reply (&done->reply, rule);
    break;
  case FAULT_TRUNCATED:
    http_reply_set_body (&done->reply, done->reply.body,
                         done->reply.body_len / 2);
    break;
  case FAULT_HTML:
    http_reply_set_body (&done->reply, html, sizeof html - 1);
    break;
  default:
    break;
  }
}

static const struct fault_rule *
take_plan (struct fault_transport *ft, uint64_t tag)
{
  for (size_t i = 0; i < ft->planned.len; i++)
    if (ft->planned.ptr[i].tag == tag)
      return planned_vec_remove (&ft->planned, i).rule;
  return NULL;
}

static void
fault_step (struct transport *t, struct exchanges *done)
{
  struct fault_transport *ft = (struct fault_transport *)t;
  CLEANUP (exchanges_release)
  struct exchanges below = VEC_EMPTY;

  transport_step (ft->below, &below);
  for (size_t i = 0; i < below.len; i++) {
    struct exchange c = below.ptr[i];
    const struct fault_rule *rule = take_plan (ft, c.tag);

    if (c.tag & OWN_TAG) {
      exchange_release (&c);
      continue;
    }
    if (rule)
      spoil (rule, &c);
    if (rule && rule->delay_ms > 0)
      arrivals_add (&ft->held, ft->clock, c, rule->delay_ms);
    else
      exchanges_push (done, c);
  }
  arrivals_take_due (&ft->held, ft->clock, done);
}

static int64_t
fault_next_ms (struct transport *t)
{
  struct fault_transport *ft = (struct fault_transport *)t;
  int64_t next = transport_next_ms (ft->below);
  int64_t held = arrivals_next_ms (&ft->held, ft->clock);

  return next < 0 || (held >= 0 && held < next) ? held : next;
}

static int
fault_wait (struct transport *t, struct pollfd *fds, unsigned nfds,
            int64_t timeout_ms, struct err **err)
{
  struct fault_transport *ft = (struct fault_transport *)t;
  int64_t next = ft->held.len ? fault_next_ms (t) : -1;

  if (next >= 0 && (timeout_ms < 0 || next < timeout_ms))
    timeout_ms = next;
  return transport_wait (ft->below, fds, nfds, timeout_ms, err);
}

static bool
fault_cancel (struct transport *t, uint64_t tag)
{
  struct fault_transport *ft = (struct fault_transport *)t;

  (void)take_plan (ft, tag);
  return arrivals_cancel (&ft->held, tag) || transport_cancel (ft->below, tag);
}

static unsigned
fault_room (struct transport *t)
{
  return transport_room (((struct fault_transport *)t)->below);
}

static void
fault_free (struct transport *t)
{
  struct fault_transport *ft = (struct fault_transport *)t;

  arrivals_free_all (&ft->held);
  planned_vec_release (&ft->planned);
  transport_free (ft->below);
  free (ft->rules);
  free (ft);
}

static const struct transport_ops fault_ops = {
    .submit = fault_submit,
    .step = fault_step,
    .wait = fault_wait,
    .next_ms = fault_next_ms,
    .cancel = fault_cancel,
    .room = fault_room,
    .free = fault_free,
};

struct transport *
fault_transport_new (struct transport *below, const struct fault_rule *rules,
                     size_t nrules, uint64_t seed, const struct clock *clock)
{
  struct fault_transport *ft = xcalloc (1, sizeof *ft);

  ft->base.ops = &fault_ops;
  ft->below = below;
  ft->clock = clock;
  ft->nrules = nrules;
  ft->rules = xcalloc (nrules, sizeof *ft->rules);
  for (size_t i = 0; i < nrules; i++)
    ft->rules[i].rule = rules[i];
  random_init (&ft->random, seed);
  return &ft->base;
}

unsigned
fault_transport_struck (struct transport *t, size_t i)
{
  return ((struct fault_transport *)t)->rules[i].struck;
}
