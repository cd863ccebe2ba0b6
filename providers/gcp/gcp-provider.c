#include "gcp-provider.h"

#include <string.h>

#include <base/text.h>

#include "credentials.h"
#include "limits.h"
#include "names.h"
#include "ops.h"
#include "policy.h"
#include "selector.h"

static const struct provider_option options[] = {
    {"gcp-project", "ID", "the environment's, the credentials'",
     "project whose instances are meant"},
    {"gcp-local-ssd", "WHAT", "refused",
     "what becomes of Local SSD contents when a VM is stopped: discard or "
     "preserve"},
    {"gcp-serial-port", "N", "1",
     "serial port that consoles are read from, 1 to 4; Windows' emergency "
     "console is on 2"},
    {"gcp-endpoint", "URL", "Google's", "where Compute is called instead"},
    {"gcp-impersonate", "MAIL", "nobody",
     "service account to act as, by its mail address"},
    {"gcp-settle", "TIME", "5s",
     "how far what Compute describes may lag behind what it was told"},
    {NULL},
};

/* Compute claims read-after-write; lists over all zones are known to lag a
 * little.  A guess: a log of lists after changes would confirm it. */
#define SETTLE_MS 5000

/* The names of options without their prefix; the project; the endpoint. */
static void
own_config (struct binding *b)
{
  static const char *const names[] = {"project",     "local-ssd",   "endpoint",
                                      "impersonate", "serial-port", "settle"};
  json_t *config = b->config ? json_deep_copy (b->config) : json_object ();

  for (size_t i = 0; i < ARRAY_SIZE (names); i++) {
    CLEANUP_FREE char *name = xasprintf ("gcp-%s", names[i]);
    json_t *value = json_object_get (config, name);

    if (value && json_object_get (config, names[i]) == NULL)
      json_object_set (config, names[i], value);
  }
  json_decref (b->config);
  b->config = config;
}

static int
check_options (struct binding *b, struct err **err)
{
  const char *choice = json_str (b->config, "local-ssd", "discard");
  const char *url = json_str (b->config, "endpoint", "https://x");
  const char *settle = json_str (b->config, "settle", NULL);
  const char *port = json_str (b->config, "serial-port", "1");

  if (strcmp (choice, "discard") != 0 && strcmp (choice, "preserve") != 0)
    return err_set (err, ERR_USAGE,
                    "--gcp-local-ssd: \"%s\" is neither discard nor preserve",
                    choice);
  if (strncmp (url, "https://", 8) != 0 && strncmp (url, "http://", 7) != 0)
    return err_set (err, ERR_USAGE, "--gcp-endpoint: \"%s\" is no URL", url);
  if (*port < '1' || *port > '4' || port[1])
    return err_set (err, ERR_USAGE,
                    "--gcp-serial-port: \"%s\" is none of 1 to 4", port);
  if (settle && (text_parse_duration_ms (settle, &b->settle_ms) == -1 ||
                 b->settle_ms < 1))
    return err_set (err, ERR_USAGE,
                    "--gcp-settle: \"%s\" is no time such as 5s", settle);
  return 0;
}

static int
gcp_open (struct binding *b, struct err **err)
{
  char *project;

  own_config (b);
  if (check_options (b, err) == -1)
    return -1;
  project = gcp_project (b, err);
  if (project == NULL)
    return -1;
  free (b->account);
  b->account = project;
  if (!gcp_is_project (project))
    return err_set (err, ERR_USAGE, "\"%s\" is no project id", project);
  return 0;
}

#define ROW(title, class, row)                                                 \
  {                                                                            \
    title, class, .build = gcp_##row##_build, .parse = gcp_##row##_parse       \
  }
#define CHANGE(title, class, row)                                              \
  {                                                                            \
    title, class, 1, true, .build = gcp_##row##_build,                         \
                           .parse = gcp_##row##_parse                          \
  }
/* The same, and its operation is read (operation.h). */
#define FOLLOWED(title, class, row)                                            \
  {                                                                            \
    title, class, 1, true, .next_class = "operation",                          \
                           .build = gcp_##row##_build,                         \
                           .parse = gcp_##row##_parse                          \
  }
/* Labels are read, then written. */
#define LABELS(title, row)                                                     \
  {                                                                            \
    title, "read", 1, true, .next_class = "change",                            \
                            .build = gcp_##row##_build,                        \
                            .parse = gcp_##row##_parse                         \
  }
/* As many as a filter takes. */
#define MANY(title, row)                                                       \
  {                                                                            \
    title, "list", 40, .build = gcp_##row##_build, .parse = gcp_##row##_parse  \
  }

const struct provider gcp_provider = {
    .name = "gcp",
    .description = "Google Compute Engine instances with persistent disks",
    .caps = CAP_MOVE | CAP_SWAP | CAP_RESTORE | CAP_DRY_RUN | CAP_GUEST_PING |
            CAP_STOPS_ONCE,
    .options = options,
    .settle_ms = SETTLE_MS,
    .poll_ms = 3000,
    .request_ids = true,
    .selector_help = gcp_selector_help,
    .parse_selector = gcp_selector_parse,
    .binding_words = gcp_binding_words,
    .open = gcp_open,
    .authenticate = gcp_authenticate,
    .policy = gcp_policy,
    .limits = gcp_limits,
    .helper_paths = gcp_helper_paths,
    .helper_slots = gcp_helper_slots,
    .helper_expect = gcp_helper_expect,
    .is_vm_id = gcp_is_vm_id,
    .spell_id = gcp_spell_id,
    .ops =
        {
            [OP_IDENTIFY] = ROW ("identify", "read", identify),
            [OP_FIND] = ROW ("find", "list", vms),
            [OP_DESCRIBE] = MANY ("describe", vms),
            [OP_DESCRIBE_DISKS] = MANY ("describe-disks", disks),
            [OP_STOP] = CHANGE ("stop", "change", stop),
            [OP_START] = FOLLOWED ("start", "change", start),
            [OP_DETACH_OS] = FOLLOWED ("detach-os", "change", detach_os),
            [OP_ATTACH_OS] = FOLLOWED ("attach-os", "change", attach_os),
            [OP_RESTORE_ATTRIBUTES] =
                CHANGE ("restore-attributes", "change", restore),
            [OP_HELPER_ATTACH] =
                FOLLOWED ("helper-attach", "change", helper_attach),
            [OP_HELPER_DETACH] =
                FOLLOWED ("helper-detach", "change", helper_detach),
            [OP_SNAPSHOT] = FOLLOWED ("snapshot", "snapshot", snapshot),
            [OP_SNAPSHOTS] = ROW ("snapshots", "list", snapshots),
            [OP_DISK_FROM] = FOLLOWED ("disk-from", "change", disk_from),
            [OP_KEEP] = LABELS ("keep", keep),
            [OP_DELETE] = CHANGE ("delete", "change", delete),
            [OP_FIND_CREATED] = ROW ("find-created", "list", find_created),
            [OP_MARK] = LABELS ("mark", mark),
            [OP_UNMARK] = LABELS ("unmark", unmark),
            [OP_SERIAL_LOG] = ROW ("serial-log", "serial", serial_log),
            [OP_GUEST_PING] = ROW ("guest-ping", "guest", guest_ping),
            [OP_SCREENSHOT] = ROW ("screenshot", "screenshot", screenshot),
        },
};
