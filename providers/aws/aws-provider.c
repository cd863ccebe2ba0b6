#include "aws-provider.h"

#include <string.h>

#include "credentials.h"
#include "limits.h"
#include "look.h"
#include "ops.h"
#include "place.h"
#include "policy.h"
#include "region.h"
#include "selector.h"

/* Rows that are a table entry themselves become the two functions that a
 * provider's table wants. */
#define ONE_CALL(row)                                                          \
  static int build_##row (const struct binding *b, const json_t *in,           \
                          struct http_request *req, struct err **err)          \
  {                                                                            \
    return aws_op_build (&aws_op_##row, b, in, req, err);                      \
  }                                                                            \
  static int parse_##row (const struct binding *b, const json_t *in,           \
                          const struct http_reply *reply, json_t **out,        \
                          struct err **err)                                    \
  {                                                                            \
    (void)b;                                                                   \
    return aws_op_parse (&aws_op_##row, in, reply, out, err);                  \
  }                                                                            \
  struct unused_##row /* takes the semicolon */

#define LOOK(row)                                                              \
  static int build_look_##row (const struct binding *b, const json_t *in,      \
                               struct http_request *req, struct err **err)     \
  {                                                                            \
    return look_build (&aws_look_##row, b, in, req, err);                      \
  }                                                                            \
  static int parse_look_##row (const struct binding *b, const json_t *in,      \
                               const struct http_reply *reply, json_t **out,   \
                               struct err **err)                               \
  {                                                                            \
    return look_parse (&aws_look_##row, b, in, reply, out, err);               \
  }                                                                            \
  struct unused_look_##row

ONE_CALL (identify);
ONE_CALL (stop);
ONE_CALL (start);
ONE_CALL (mark);
ONE_CALL (unmark);
ONE_CALL (detach_os);
ONE_CALL (attach_os);
ONE_CALL (restore);
ONE_CALL (helper_attach);
ONE_CALL (helper_detach);
ONE_CALL (snapshot);
ONE_CALL (disk_from);
ONE_CALL (swap);
ONE_CALL (screenshot);
ONE_CALL (leave_group);
ONE_CALL (join_group);
LOOK (vms);
LOOK (disks);

static const struct provider_option options[] = {
    {"aws-profile", "NAME", "$AWS_PROFILE",
     "profile of the AWS configuration to use"},
    {"aws-region", "REGION", "$AWS_REGION, the profile's",
     "region whose instances are meant"},
    {"aws-endpoint", "URL", "$AWS_ENDPOINT_URL, the region's",
     "where all services are called instead"},
    {"aws-kms-check", "WHAT", "key",
     "before a stop, of the keys of encrypted volumes: key (enabled and "
     "known), grant (may also be granted to EC2), none"},
    {"aws-check-shutdown", NULL, NULL,
     "also refuse VMs that are terminated when their guest switches itself "
     "off; one more call a VM"},
    {"aws-settle", "TIME", "15s",
     "how far what EC2 describes may lag behind what it was told"},
    {NULL},
};

/* Ids of one describe: as many as a filter takes.  Tags could be set on 1,000
 * at once; AWS recommends less.  A batch of stops or starts fails as a whole,
 * so that it is kept small enough to be worth repeating. */
#define DESCRIBE_IDS 200
#define TAG_IDS      200
#define POWER_IDS    50

/* One type or zone without room fails a start for all.
 * [cloud-custodian#463, #5235] */
static const char *const start_together[] = {"zone", "attributes.instance_type",
                                             NULL};

#define CAPS                                                                   \
  (CAP_MOVE | CAP_SWAP | CAP_RESTORE | CAP_DRY_RUN | CAP_SWAP_RUNNING |        \
   CAP_STATUS)

const struct provider aws_provider =
    {
        .name = "aws",
        .description = "EC2 instances with EBS root volumes",
        .caps = CAPS,
        .options = options,
        /* EC2 is eventually consistent and names no figure: a guess, which a
         * log of describes after a change would confirm. */
        .settle_ms = 15000,
        .poll_ms = 3000,
        .gather_ms = 5000,
        .selector_help = aws_selector_help,
        .parse_selector = aws_selector_parse,
        .binding_words = aws_binding_words,
        .open = aws_open,
        .authenticate = aws_authenticate,
        .policy = aws_policy,
        .limits = aws_limits,
        .helper_paths = aws_helper_paths,
        .helper_slots = aws_helper_slots,
        .is_vm_id = aws_is_vm_id,
        .ops =
            {
                [OP_IDENTIFY] = {"identify", "identify",
                                 .build = build_identify,
                                 .parse = parse_identify},
                [OP_FIND] = {"find", "describe", .build = build_look_vms,
                             .parse = parse_look_vms},
                [OP_DESCRIBE] = {"describe", "describe", DESCRIBE_IDS,
                                 .build = build_look_vms,
                                 .parse = parse_look_vms},
                [OP_DESCRIBE_DISKS] = {"describe-disks", "describe",
                                       DESCRIBE_IDS, .build = build_look_disks,
                                       .parse = parse_look_disks},
                [OP_STOP] = {"stop", "stop", POWER_IDS, true,
                             .build = build_stop, .parse = parse_stop},
                [OP_START] = {"start", "start", POWER_IDS, true, start_together,
                              .build = build_start, .parse = parse_start},
                [OP_DETACH_OS] = {"detach-os", "detach", 1, true,
                                  .build = build_detach_os,
                                  .parse = parse_detach_os},
                [OP_ATTACH_OS] = {"attach-os", "attach", 1, true,
                                  .build = build_attach_os,
                                  .parse = parse_attach_os},
                [OP_RESTORE_ATTRIBUTES] = {"restore-attributes", "modify", 1,
                                           true, .build = build_restore,
                                           .parse = parse_restore},
                [OP_HELPER_ATTACH] = {"helper-attach", "attach", 1, true,
                                      .build = build_helper_attach,
                                      .parse = parse_helper_attach},
                [OP_HELPER_DETACH] = {"helper-detach", "detach", 1, true,
                                      .build = build_helper_detach,
                                      .parse = parse_helper_detach},
                [OP_SNAPSHOT] = {"snapshot", "snapshot", 1,
                                 true, .build = build_snapshot,
                                 .parse = parse_snapshot},
                [OP_SNAPSHOTS] = {"snapshots", "describe", 1,
                                  .build = aws_snapshots_build,
                                  .parse = aws_snapshots_parse},
                [OP_DISK_FROM] = {"disk-from", "create-volume", 1, true,
                                  .build = build_disk_from,
                                  .parse = parse_disk_from},
                [OP_SWAP_OS] = {"swap-os", "swap", 1, true, .build = build_swap,
                                .parse = parse_swap},
                [OP_LEAVE_GROUP] = {"leave-group", "modify", 1,
                                    true, .build = build_leave_group,
                                    .parse = parse_leave_group},
                [OP_JOIN_GROUP] = {"join-group", "modify", 1,
                                   true, .build = build_join_group,
                                   .parse = parse_join_group},
                [OP_KEEP] = {"keep", "tag", 1, true, .build = aws_keep_build,
                             .parse = aws_keep_parse},
                [OP_DELETE] = {"delete", "delete", 1,
                               true, .build = aws_delete_build,
                               .parse = aws_delete_parse},
                [OP_FIND_CREATED] = {"find-created", "describe",
                                     .build = aws_find_created_build,
                                     .parse = aws_find_created_parse},
                [OP_MARK] = {"mark", "tag", TAG_IDS, true, .build = build_mark,
                             .parse = parse_mark},
                [OP_UNMARK] = {"unmark",
                               "untag", TAG_IDS, true, .build = build_unmark,
                               .parse = parse_unmark},
                [OP_SERIAL_LOG] = {"serial-log", "console", 1,
                                   .build = aws_serial_log_build,
                                   .parse = aws_serial_log_parse},
                [OP_SCREENSHOT] = {"screenshot", "screenshot", 1,
                                   .build = build_screenshot,
                                   .parse = parse_screenshot},
                [OP_PREFLIGHT] = {"preflight", "attribute", 1,
                                  .build = aws_preflight_build,
                                  .parse = aws_preflight_parse},
            },
};
