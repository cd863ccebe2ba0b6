#include "azure-provider.h"

#include "credentials.h"
#include "limits.h"
#include "look.h"
#include "open.h"
#include "ops.h"
#include "place.h"
#include "policy.h"
#include "selector.h"

/* Rows that are a table entry themselves become the two functions that a
 * provider's table wants. */
#define BUILD(row)                                                             \
  static int build_##row (const struct binding *b, const json_t *in,           \
                          struct http_request *req, struct err **err)          \
  {                                                                            \
    return azure_op_build (&azure_op_##row, b, in, req, err);                  \
  }                                                                            \
  struct unused_build_##row /* takes the semicolon */

#define ROW(row)                                                               \
  BUILD (row);                                                                 \
  static int parse_##row (const struct binding *b, const json_t *in,           \
                          const struct http_reply *reply, json_t **out,        \
                          struct err **err)                                    \
  {                                                                            \
    return azure_op_parse (&azure_op_##row, b, in, reply, out, err);           \
  }                                                                            \
  struct unused_##row

ROW (identify);
ROW (stop);
ROW (start);
ROW (mark);
ROW (unmark);
ROW (keep);
ROW (helper_attach);
ROW (helper_detach);
ROW (disk_from);
ROW (snapshot);
ROW (swap);
ROW (delete);
ROW (snapshots);
ROW (find_created);
BUILD (preflight);

static const struct provider_option options[] = {
    {"azure-subscription", "ID",
     "$AZURE_SUBSCRIPTION_ID or the Azure CLI's choice",
     "subscription whose VMs are meant"},
    {"azure-cloud", "NAME", "public", "public, usgov or china"},
    {"azure-endpoint", "URL", "the cloud's",
     "where Azure Resource Manager is called instead"},
    {"azure-tenant", "ID", "$AZURE_TENANT_ID",
     "tenant in which the credentials are"},
    {"azure-client-id", "ID", "$AZURE_CLIENT_ID",
     "application, or user-assigned identity, to be"},
    {"azure-credential", "NAME", "the first that is there",
     "only this kind of credentials: secret, certificate, federated, "
     "managed-identity, cli"},
    {"azure-settle", "TIME", "5s",
     "how far what Azure shows may lag behind what it was told"},
    {NULL},
};

#define CHANGE(text, class, row)                                               \
  {                                                                            \
    text, class, 1, true, .next_class = "operation", .build = build_##row,     \
                          .parse = parse_##row                                 \
  }

/* From a few on they are asked for by lists (look-lists.c): the more in one
 * look, the better. */
#define LOOK(text)                                                             \
  {                                                                            \
    text, "read", 1000, .class_of = azure_look_class,                          \
                        .build = azure_look_build, .parse = azure_look_parse   \
  }

/* The largest sizes take so many data disks. */
#define HELPER_DISKS 64

#define HELPER(text, row)                                                      \
  {                                                                            \
    text, "helper", HELPER_DISKS, true,                                        \
        .next_class = "operation", .part = "helper.id", .build = build_##row,  \
        .parse = parse_##row                                                   \
  }

const struct provider azure_provider = {
    .name = "azure",
    .description = "Azure VMs with managed OS disks",
    .caps = CAP_SWAP | CAP_RESTORE | CAP_SWAP_STOPPED | CAP_COPY_DISK |
            CAP_DRY_RUN | CAP_STATUS,
    .options = options,
    /* An operation is followed to its end, and what it did is shown then;
     * for what ends otherwise. */
    .settle_ms = 5000,
    .poll_ms = 5000,
    .gather_ms = 5000,
    .spell_id = azure_spell_id,
    .selector_help = azure_selector_help,
    .parse_selector = azure_selector_parse,
    .binding_words = azure_binding_words,
    .open = azure_open,
    .authenticate = azure_authenticate,
    .policy = azure_policy,
    .limits = azure_limits,
    .helper_paths = azure_helper_paths,
    .helper_slots = azure_helper_slots,
    .helper_expect = azure_helper_expect,
    .is_vm_id = azure_is_vm_id,
    .ops =
        {
            [OP_IDENTIFY] = {"identify", "read", .build = build_identify,
                             .parse = parse_identify},
            [OP_FIND] = {"find", "list", .class_of = azure_look_class,
                         .build = azure_look_build, .parse = azure_look_parse},
            [OP_DESCRIBE] = LOOK ("describe"),
            [OP_DESCRIBE_DISKS] = LOOK ("describe-disks"),
            [OP_STOP] = CHANGE ("stop", "power", stop),
            [OP_START] = CHANGE ("start", "power", start),
            [OP_HELPER_ATTACH] = HELPER ("helper-attach", helper_attach),
            [OP_HELPER_DETACH] = HELPER ("helper-detach", helper_detach),
            [OP_SNAPSHOT] = CHANGE ("snapshot", "snapshot", snapshot),
            [OP_SNAPSHOTS] = {"snapshots", "list", 1, .build = build_snapshots,
                              .parse = parse_snapshots},
            [OP_DISK_FROM] = CHANGE ("disk-from", "disk", disk_from),
            [OP_SWAP_OS] = CHANGE ("swap-os", "update", swap),
            [OP_KEEP] = CHANGE ("keep", "tag", keep),
            [OP_DELETE] = CHANGE ("delete", "delete", delete),
            [OP_FIND_CREATED] = {"find-created", "list",
                                 .build = build_find_created,
                                 .parse = parse_find_created},
            [OP_MARK] = CHANGE ("mark", "tag", mark),
            [OP_UNMARK] = CHANGE ("unmark", "tag", unmark),
            [OP_SERIAL_LOG] = {"serial-log", "read", 1,
                               .build = azure_serial_log_build,
                               .parse = azure_serial_log_parse},
            [OP_SCREENSHOT] = {"screenshot", "read", 1,
                               .build = azure_screenshot_build,
                               .parse = azure_screenshot_parse},
            [OP_PREFLIGHT] = {"preflight", "read", 1, .build = build_preflight,
                              .parse = azure_preflight_parse},
        },
};
