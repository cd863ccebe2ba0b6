/* Errors as objects.
 *
 * With hundreds of VMs in work an error belongs to one of them and ends up in
 * the journal; so it is neither printed where it happens nor kept in a global.
 * A function that can fail takes `struct err **err` last and returns -1 or
 * NULL.  It sets the error exactly once; callers add what they know by
 * wrapping:
 *
 *   if (volume_attach (vm, err) == -1)
 *     return err_wrap (err, "%s: attach", vm->name);
 *
 * gives "i-0abc: attach: HTTP 403: not authorized".  `code` says what the
 * engine should do about it.  Passing NULL for err throws the text away.
 */

#ifndef BOOTMEND_ERR_H
#define BOOTMEND_ERR_H

#include <stdint.h>

#include <base/mem.h>

enum err_code {
  ERR_INTERNAL = 1,   /* a bug of ours, or a reply that makes no sense */
  ERR_USAGE,          /* the operator's words are off: exit 2 */
  ERR_INPUT,          /* a file or datum from outside is malformed */
  ERR_NOT_FOUND,      /* the thing named does not exist */
  ERR_CONFLICT,       /* its present state does not allow this: look again */
  ERR_REFUSED,        /* unsafe by a rule: leave this VM alone */
  ERR_THROTTLED,      /* again, later and slower */
  ERR_TRANSIENT,      /* again */
  ERR_UNKNOWN_EFFECT, /* the reply was lost: look before repeating */
  ERR_AUTH,           /* credentials do not work: stop this account */
  ERR_DENIED,         /* one permission is missing */
  ERR_TIMEOUT,        /* a limit on time ran out */
  ERR_IO,             /* a local system call failed */
  ERR_NO_SPACE,       /* a local file system is full or read-only */
  ERR_PROTOCOL,       /* a peer does not speak our protocol */
  ERR_DISK,           /* a guest disk could not be read or changed */
  ERR_STOPPED,        /* the operator asked us to stop */
  ERR_TAKEN,          /* the place for it is taken: choose another */
  ERR_UNREACHABLE,    /* whoever was to do it can't be reached (any more); what
                         has become of it is not known */
};

struct err {
  enum err_code code;
  int64_t retry_after_ms; /* 0: not said */
  char *msg;              /* one line, no full stop, UTF-8 */
};

/* Sets *err (which must be empty) and returns -1. */
int err_set (struct err **err, enum err_code code, const char *fmt, ...)
    ATTR_PRINTF (3, 4);

/* The same for a system call: the text of errno_value follows after ": "; the
 * code becomes ERR_NO_SPACE for a full or read-only file system, ERR_NOT_FOUND
 * for ENOENT, else ERR_IO. */
int err_set_errno (struct err **err, int errno_value, const char *fmt, ...)
    ATTR_PRINTF (3, 4);

/* Puts "text: " before the message of *err; returns -1. */
int err_wrap (struct err **err, const char *fmt, ...) ATTR_PRINTF (2, 3);

/* Moves an error up: *dest takes src (which may be NULL); returns -1. */
int err_move (struct err **dest, struct err *src);

struct err *err_copy (const struct err *err);
void err_free (struct err *err);

/* "refused", "throttled", ...: stable words for journals and JSON. */
const char *err_code_name (enum err_code code);
/* The reverse; ERR_INTERNAL for a word that is none. */
enum err_code err_code_from_name (const char *name);

/* These four always return -1.  The static analyzer sees only one file at a
 * time and would follow `return err_set (...)` as a success. */
#ifdef __clang_analyzer__
#define err_set(...)       (err_set (__VA_ARGS__), -1)
#define err_set_errno(...) (err_set_errno (__VA_ARGS__), -1)
#define err_wrap(...)      (err_wrap (__VA_ARGS__), -1)
#define err_move(...)      (err_move (__VA_ARGS__), -1)
#endif

#define CLEANUP_ERR CLEANUP (cleanup_err)
void cleanup_err (struct err **err);

#endif
