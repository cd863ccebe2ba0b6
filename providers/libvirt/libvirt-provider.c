#include "libvirt-provider.h"

#include "connection.h"
#include "limited.h"
#include "ops.h"
#include "selector.h"

/* Limits on the time of one call.  Those of the changing ones leave room for
 * the 30 s that libvirtd waits for a domain that is busy. */
#define ROW_CALL(row, limit, changing)                                         \
  static const struct limited_work row##_work = {#row, limit, changing,        \
                                                 do_##row};                    \
  static int call_##row (const struct binding *b, const json_t *in,            \
                         json_t **out, struct err **err)                       \
  {                                                                            \
    return limited_run (&row##_work, b, in, out, err);                         \
  }                                                                            \
  struct unused_##row /* takes the semicolon */

ROW_CALL (open, 60000, false);
ROW_CALL (find, 120000, false);
ROW_CALL (describe, 60000, false);
ROW_CALL (stop, 120000, true);
ROW_CALL (start, 90000, true);
ROW_CALL (mark, 60000, true);
ROW_CALL (unmark, 60000, true);
ROW_CALL (restore, 30000, false);
ROW_CALL (serial_log, 20000, false);
ROW_CALL (screenshot, 20000, false);
ROW_CALL (guest_ping, 20000, false);

static int
provider_open (struct binding *b, struct err **err)
{
  json_t *out = NULL;
  int result;

  if (session_new (b, err) == -1)
    return -1;
  result = call_open (b, NULL, &out, err);
  json_decref (out);
  if (result == -1)
    session_close (b);
  return result;
}

static const struct provider_option options[] = {
    {"libvirt-uri", "URI", "$LIBVIRT_DEFAULT_URI, else qemu:///system",
     "libvirt daemon: qemu:///system, qemu:///session, qemu+ssh://HOST/system"},
    {NULL},
};

/* A describe of many costs one look at all domains anyway.  What changes a
 * domain takes one of them: calls are about single domains in libvirt, and the
 * worker threads run several at once. */
#define DESCRIBE_IDS 1000

const struct provider libvirt_provider = {
    .name = "libvirt",
    .description = "QEMU/KVM domains of a libvirt daemon, repaired in place",
    .caps = CAP_MOVE | CAP_IN_PLACE | CAP_GUEST_PING,
    .options = options,
    .selector_help = selector_help,
    .parse_selector = selector_parse,
    .open = provider_open,
    .close = session_close,
    .ops =
        {
            [OP_FIND] = {"find", "read", .call = call_find},
            [OP_DESCRIBE] = {"describe", "read", DESCRIBE_IDS,
                             .call = call_describe},
            [OP_STOP] = {"stop", "write", 1, true, .call = call_stop},
            [OP_START] = {"start", "write", 1, true, .call = call_start},
            [OP_RESTORE_ATTRIBUTES] = {"restore-attributes", "read", 1,
                                       .call = call_restore},
            [OP_MARK] = {"mark", "write", 1, true, .call = call_mark},
            [OP_UNMARK] = {"unmark", "write", 1, true, .call = call_unmark},
            [OP_SERIAL_LOG] = {"serial-log", "evidence", 1,
                               .call = call_serial_log},
            [OP_SCREENSHOT] = {"screenshot", "evidence", 1,
                               .call = call_screenshot},
            [OP_GUEST_PING] = {"guest-ping", "evidence", 1,
                               .call = call_guest_ping},
        },
};
