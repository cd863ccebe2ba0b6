#include "health.h"

#include <regex.h>
#include <string.h>

#include <base/strbuf.h>
#include <base/text.h>
#include <providers/vm.h>

#include "job.h"

enum health_kind {
  KIND_AUTO,
  KIND_NONE,
  KIND_SERIAL,
  KIND_GUEST_AGENT,
  KIND_STATUS,
  KIND_TCP,
  KIND_COMMAND
};

static const struct {
  const char *name;
  enum health_kind kind;
  const char *argument; /* NULL: takes none */
} kinds[] = {
    {"auto", KIND_AUTO, NULL},
    {"none", KIND_NONE, NULL},
    {"serial", KIND_SERIAL, "REGEX"},
    {"guest-agent", KIND_GUEST_AGENT, NULL},
    {"status", KIND_STATUS, NULL},
    {"tcp", KIND_TCP, "[HOST:]PORT"},
    {"command", KIND_COMMAND, "PROGRAM"},
};

/* Texts on a console after which no boot is healthy: Windows stop screens on
 * EMS/SAC consoles, Linux panics and emergency mode, boot loaders that found
 * nothing. */
static const char default_fail_pattern[] =
    "\\*\\*\\* STOP|BugCheck|Kernel panic|You are in emergency mode|"
    "Entering emergency mode|grub rescue>|No bootable device|"
    "Boot failed: not a bootable disk|BOOTMGR is missing|"
    "An operating system wasn't found";

struct health_spec {
  enum health_kind kind;
  char *argument;
  regex_t ok, fail;
  bool has_ok, has_fail;
};

const char *
health_name (enum health health)
{
  static const char *const names[] = {"unknown", "ok", "broken"};

  return names[health];
}

static int
compile (regex_t *regex, const char *pattern, const char *what,
         struct err **err)
{
  char text[256];
  int rc = regcomp (regex, pattern, REG_EXTENDED | REG_NEWLINE);

  if (rc == 0)
    return 0;
  regerror (rc, regex, text, sizeof text);
  return err_set (err, ERR_USAGE, "%s: '%s': %s", what, pattern, text);
}

static int
parse_kind (struct health_spec *spec, const char *text, struct err **err)
{
  size_t len = strcspn (text, ":");

  for (size_t i = 0; i < ARRAY_SIZE (kinds); i++) {
    if (strlen (kinds[i].name) != len || memcmp (text, kinds[i].name, len) != 0)
      continue;
    if (!kinds[i].argument != !text[len])
      return err_set (err, ERR_USAGE,
                      kinds[i].argument ? "health: '%s' needs ':' and more"
                                        : "health: '%s' takes no argument",
                      text);
    if (kinds[i].argument && !text[len + 1])
      return err_set (err, ERR_USAGE, "health: %s: %s is missing after ':'",
                      kinds[i].name, kinds[i].argument);
    spec->kind = kinds[i].kind;
    spec->argument = xstrdup (text[len] ? text + len + 1 : "");
    return 0;
  }
  return err_set (err, ERR_USAGE,
                  "health: '%s' is none of auto, none, serial:REGEX, "
                  "guest-agent, status, tcp:[HOST:]PORT, command:PROGRAM",
                  text);
}

static int
check_tcp (const struct health_spec *spec, struct err **err)
{
  const char *colon = strrchr (spec->argument, ':');
  const char *port = colon ? colon + 1 : spec->argument;
  char *end;
  long n = strtol (port, &end, 10);

  if (*port < '0' || *port > '9' || *end || n < 1 || n > 65535)
    return err_set (err, ERR_USAGE, "health: tcp: '%s' is no port", port);
  return 0;
}

struct health_spec *
health_spec_new (const char *text, const char *fail_pattern, struct err **err)
{
  struct health_spec *spec = xcalloc (1, sizeof *spec);
  int r = parse_kind (spec, text, err);

  if (r == 0 && spec->kind == KIND_TCP)
    r = check_tcp (spec, err);
  if (r == 0 && spec->kind == KIND_SERIAL) {
    r = compile (&spec->ok, spec->argument, "health", err);
    spec->has_ok = r == 0;
  }
  if (r == 0) {
    r = compile (&spec->fail,
                 fail_pattern ? fail_pattern : default_fail_pattern,
                 "health-fail", err);
    spec->has_fail = r == 0;
  }
  if (r == -1) {
    health_spec_free (spec);
    return NULL;
  }
  return spec;
}

void
health_spec_free (struct health_spec *spec)
{
  if (spec == NULL)
    return;
  if (spec->has_ok)
    regfree (&spec->ok);
  if (spec->has_fail)
    regfree (&spec->fail);
  free (spec->argument);
  free (spec);
}

static enum health_kind
effective_kind (const struct health_spec *spec, const struct job *job)
{
  if (spec->kind != KIND_AUTO)
    return spec->kind;
  if ((job->binding->provider->caps & CAP_GUEST_PING) &&
      json_bool (job->before ? job->before : job->now, "guest_agent", false))
    return KIND_GUEST_AGENT;
  if (json_bool (job->before ? job->before : job->now, "status_checks",
                 false) ||
      strcmp (json_str (job->now, "health", "unknown"), "unknown") != 0)
    return KIND_STATUS;
  return KIND_NONE;
}

bool
health_can_ask (const struct health_spec *spec, const struct job *job)
{
  return effective_kind (spec, job) != KIND_NONE;
}

bool
health_asks_alone (const struct health_spec *spec, const struct job *job)
{
  enum health_kind kind = effective_kind (spec, job);

  return job->binding->provider->poll_ms > 0 &&
         (kind == KIND_SERIAL || kind == KIND_GUEST_AGENT);
}

bool
health_reads_console (const struct health_spec *spec, const struct job *job)
{
  return effective_kind (spec, job) == KIND_SERIAL &&
         job->binding->provider->ops[OP_SERIAL_LOG].name != NULL;
}

int
health_check_provider (const struct health_spec *spec,
                       const struct provider *provider, struct err **err)
{
  if (spec->kind == KIND_STATUS && !(provider->caps & CAP_STATUS))
    return err_set (err, ERR_USAGE,
                    "--health status: %s does not tell whether a VM is well; "
                    "take auto, serial:REGEX, tcp:[HOST:]PORT or "
                    "command:PROGRAM",
                    provider->name);
  if (spec->kind == KIND_GUEST_AGENT && !(provider->caps & CAP_GUEST_PING))
    return err_set (err, ERR_USAGE,
                    "--health guest-agent: %s lets nobody ask one; take auto, "
                    "status, serial:REGEX, tcp:[HOST:]PORT or command:PROGRAM",
                    provider->name);
  return 0;
}

/* HOST with {name} and {id} filled in; NULL host: the VM's first address. */
static char *
host_of (const struct health_spec *spec, const struct job *job)
{
  const char *colon = strrchr (spec->argument, ':');
  const char *start = spec->argument, *end = colon;
  CLEANUP_STRBUF struct strbuf sb = STRBUF_EMPTY;

  if (colon == NULL) {
    const json_t *list = json_at (job->now, "addresses");
    const char *first = json_string_value (json_array_get (list, 0));

    return first ? xstrdup (first) : NULL;
  }
  if (start[0] == '[' && end > start && end[-1] == ']') { /* IPv6 */
    start++;
    end--;
  }
  for (const char *p = start; p < end; p++)
    if (strncmp (p, "{name}", 6) == 0) {
      strbuf_addstr (&sb, job->name);
      p += 5;
    } else if (strncmp (p, "{id}", 4) == 0) {
      strbuf_addstr (&sb, json_str (job->now, "id", ""));
      p += 3;
    } else
      strbuf_addch (&sb, *p);
  return strbuf_take (&sb);
}

const char *
health_program (const struct health_spec *spec)
{
  return spec->kind == KIND_COMMAND ? spec->argument : NULL;
}

static int
ask_probe (const struct health_spec *spec, const struct job *job,
           struct effect *effect, struct err **err)
{
  CLEANUP_FREE char *host = NULL;
  const char *colon;

  effect->kind = EFFECT_PROBE;
  effect->in = json_object ();
  if (effective_kind (spec, job) == KIND_COMMAND) {
    json_put_str (effect->in, "kind", "command");
    json_put_str (effect->in, "program", spec->argument);
    json_put (effect->in, "vm", json_incref (job->now));
    return 0;
  }
  host = host_of (spec, job);
  if (host == NULL) {
    json_decref (TAKE (effect->in));
    return err_set (err, ERR_NOT_FOUND,
                    "health: tcp: the provider knows no address of this VM: "
                    "give tcp:HOST:PORT, for example tcp:{name}.example:%s",
                    spec->argument);
  }
  colon = strrchr (spec->argument, ':');
  json_put_str (effect->in, "kind", "tcp");
  json_put_str (effect->in, "host", host);
  json_put_str (effect->in, "port", colon ? colon + 1 : spec->argument);
  return 0;
}

int
health_ask (const struct health_spec *spec, const struct job *job,
            const json_t *after, struct effect *effect, struct err **err)
{
  enum health_kind kind = effective_kind (spec, job);

  if (kind == KIND_TCP || kind == KIND_COMMAND)
    return ask_probe (spec, job, effect, err);
  effect->kind = EFFECT_OP;
  effect->op = kind == KIND_SERIAL        ? OP_SERIAL_LOG
               : kind == KIND_GUEST_AGENT ? OP_GUEST_PING
                                          : OP_DESCRIBE;
  if (kind == KIND_STATUS) {
    effect->in =
        json_make ("{s:[s],s:b,s:b}", "ids", json_str (job->now, "id", ""),
                   "brief", 1, "health", 1);
    return 0;
  }
  effect->in = json_object ();
  json_put (effect->in, "vm", json_incref (job->now));
  if (kind == KIND_SERIAL && after && !json_is_null (after))
    json_put (effect->in, "after", json_deep_copy (after));
  return 0;
}

/* Offset of the last match, -1 if there is none; *len is its length. */
static long
last_match (const regex_t *regex, const char *text, size_t *len)
{
  regmatch_t m;
  long at = -1;
  const char *p = text;

  while (*p && regexec (regex, p, 1, &m, p > text ? REG_NOTBOL : 0) == 0) {
    at = (long)(p - text) + m.rm_so;
    *len = (size_t)(m.rm_eo - m.rm_so);
    p += m.rm_eo > m.rm_so ? m.rm_eo : m.rm_so + 1;
  }
  return at;
}

static char *
quote_line (const char *text, long at)
{
  const char *start = text + at, *end;
  CLEANUP_FREE char *line = NULL;

  while (start > text && start[-1] != '\n')
    start--;
  end = start + strcspn (start, "\r\n");
  line = xstrndup (start, end - start > 120 ? 120 : (size_t)(end - start));
  return text_printable (line);
}

/* The length of a terminal's control sequence (ESC [ ... letter) at p; 0: there
 * is none. */
static size_t
control_sequence (const char *p, const char *end)
{
  const char *q = p + 2;

  if (end - p < 2 || p[0] != '\033' || p[1] != '[')
    return 0;
  while (q < end && *q >= 0x20 && *q <= 0x3f)
    q++;
  return q < end ? (size_t)(q - p) + 1 : 0;
}

/* Lines as people see them: firmware and GRUB end them with "\n\r" or "\r\n",
 * draw over them after a lone "\r", and move the cursor; a line that was cut
 * off by a reset may hold NULs. */
static char *
plain_lines (const char *text, size_t len)
{
  const char *end = text + len;
  struct strbuf sb = STRBUF_EMPTY;

  for (const char *p = text; p < end; p++) {
    size_t skip = control_sequence (p, end);
    bool beside_newline =
        (p > text && p[-1] == '\n') || (p + 1 < end && p[1] == '\n');

    if (skip)
      p += skip - 1;
    else if (*p == '\r' && !beside_newline)
      strbuf_addch (&sb, '\n');
    else if (*p && *p != '\r')
      strbuf_addch (&sb, *p);
  }
  return strbuf_take (&sb);
}

enum health
health_of_serial (const struct health_spec *spec, const char *text, size_t len,
                  char **why)
{
  CLEANUP_FREE char *lines = plain_lines (text, len);
  size_t ok_len = 0, fail_len = 0;
  long ok = last_match (&spec->ok, lines, &ok_len);
  long fail = last_match (&spec->fail, lines, &fail_len);
  CLEANUP_FREE char *line = NULL;

  if (ok < 0 && fail < 0) {
    *why = xasprintf ("the serial console shows neither '%s' nor a crash",
                      spec->argument);
    return HEALTH_UNKNOWN;
  }
  line = quote_line (lines, ok > fail ? ok : fail);
  *why = xasprintf ("serial console: %s", line);
  return ok > fail ? HEALTH_OK : HEALTH_BROKEN;
}

/* The answer is about many VMs: those that were asked about together. */
static enum health
read_status (const struct job *job, const json_t *out, char **why)
{
  const char *id = json_str (job->now, "id", ""), *status = "unknown";
  const char *before = json_str (job->facts, "word_before", NULL);
  json_t *vm;
  size_t i;

  json_array_foreach (json_at (out, "vms"), i, vm)
  {
    const char *at = json_str (vm, "health_at", "");

    if (strcmp (json_str (vm, "id", ""), id) != 0)
      continue;
    status = json_str (vm, "health", "unknown");
    if (before && strcmp (at, before) == 0) {
      *why = xasprintf ("status: %s, but that was said before the start (%s)",
                        status, at);
      return HEALTH_UNKNOWN;
    }
  }

  *why = xasprintf ("status: %s", status);
  if (strcmp (status, "ok") == 0)
    return HEALTH_OK;
  return strcmp (status, "impaired") == 0 ? HEALTH_BROKEN : HEALTH_UNKNOWN;
}

enum health
health_read (const struct health_spec *spec, const struct job *job,
             const json_t *out, char **why)
{
  switch (effective_kind (spec, job)) {
  case KIND_SERIAL:
    return health_of_serial (spec, json_str (out, "text", ""),
                             json_string_length (json_at (out, "text")), why);
  case KIND_STATUS:
    return read_status (job, out, why);
  case KIND_GUEST_AGENT:
    *why = xasprintf ("guest agent: %s", json_str (out, "why", "answers"));
    return json_bool (out, "alive", false) ? HEALTH_OK : HEALTH_UNKNOWN;
  case KIND_TCP:
  case KIND_COMMAND:
    *why = xstrdup (json_str (out, "why", ""));
    return json_bool (out, "healthy", false) ? HEALTH_OK : HEALTH_UNKNOWN;
  default:
    *why = xstrdup ("not asked");
    return HEALTH_UNKNOWN;
  }
}
