/* The serial console's text from the file that QEMU or virtlogd writes.
 *
 * The file may be emptied when the domain starts (append='off'), or renamed to
 * NAME.0 when it gets too long (virtlogd rotates at 2 MiB), and both may happen
 * between two looks.  So a position is {path, inode, offset, tail}: tail, the
 * last bytes before the offset, tells a file that was emptied and has grown
 * past the offset again from one that was only added to. */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <base/strbuf.h>
#include <base/text.h>

#include "domain-xml.h"
#include "errors.h"
#include "ops.h"

/* At most so much in one reply; more comes with the next call. */
#define MAX_TEXT   (256 * 1024)
#define TAIL_BYTES 32

struct log_file {
  int fd;
  uint64_t inode;
  int64_t size;
};

static int
log_open (const char *path, struct log_file *log, struct err **err)
{
  struct stat st;

  /* O_NONBLOCK: what is no regular file must not hold us up. */
  log->fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (log->fd == -1)
    return err_set_errno (err, errno, "serial log %s", path);
  if (fstat (log->fd, &st) == -1 || !S_ISREG (st.st_mode)) {
    close (log->fd);
    log->fd = -1;
    return err_set (err, ERR_REFUSED, "serial log %s: no regular file", path);
  }
  log->inode = st.st_ino;
  log->size = st.st_size;
  return 0;
}

/* The last bytes before offset, as hex. */
static char *
tail_before (const struct log_file *log, int64_t offset)
{
  unsigned char bytes[TAIL_BYTES];
  size_t want = offset < TAIL_BYTES ? (size_t)offset : TAIL_BYTES;
  ssize_t got = pread (log->fd, bytes, want, offset - (int64_t)want);

  return hex_encode (bytes, got < 0 ? 0 : (size_t)got);
}

/* Is the position one in this file, as it is now? */
static bool
continues (const struct log_file *log, const json_t *after)
{
  CLEANUP_FREE char *inode = xasprintf ("%" PRIu64, log->inode);
  CLEANUP_FREE char *tail = NULL;
  int64_t offset = json_int (after, "offset", -1);

  if (offset < 0 || offset > log->size ||
      strcmp (json_str (after, "inode", ""), inode) != 0)
    return false;
  tail = tail_before (log, offset);
  return strcmp (json_str (after, "tail", ""), tail) == 0;
}

/* Reads from offset to the end or until text is full; the new offset. */
static int64_t
read_from (const struct log_file *log, int64_t offset, struct strbuf *text)
{
  char chunk[16384];

  while (text->len < MAX_TEXT) {
    size_t room = MAX_TEXT - text->len;
    ssize_t n = pread (log->fd, chunk,
                       room < sizeof chunk ? room : sizeof chunk, offset);

    if (n <= 0)
      break;
    strbuf_add (text, chunk, (size_t)n);
    offset += n;
  }
  return offset;
}

/* The rest of a file that was rotated away since, if that is what happened. */
static void
read_rotated (const char *path, const json_t *after, struct strbuf *text)
{
  CLEANUP_FREE char *name = xasprintf ("%s.0", path);
  struct log_file log;

  if (log_open (name, &log, NULL) == -1)
    return;
  if (continues (&log, after))
    read_from (&log, json_int (after, "offset", 0), text);
  close (log.fd);
}

/* JSON holds UTF-8 without NUL; a guest writes what it likes.  The rest of the
 * bytes is kept, control characters too. */
static void
put_text (json_t *out, const struct strbuf *text)
{
  CLEANUP_STRBUF struct strbuf clean = STRBUF_EMPTY;
  json_t *string = json_stringn (text->buf ? text->buf : "", text->len);

  if (string && memchr (text->buf ? text->buf : "", '\0', text->len) == NULL) {
    json_put (out, "text", string);
    return;
  }
  json_decref (string);
  for (size_t i = 0; i < text->len; i++) {
    unsigned char c = (unsigned char)text->buf[i];

    if (c == 0 || c >= 0x80)
      strbuf_addf (&clean, "\\x%02x", c);
    else
      strbuf_addch (&clean, (char)c);
  }
  json_put_str (out, "text", clean.buf ? clean.buf : "");
}

static json_t *
read_log (const char *path, const json_t *after, struct err **err)
{
  CLEANUP_STRBUF struct strbuf text = STRBUF_EMPTY;
  CLEANUP_FREE char *inode = NULL, *tail = NULL;
  struct log_file log;
  int64_t offset = 0;
  json_t *out;

  if (log_open (path, &log, err) == -1)
    return NULL;
  if (!json_is_object (after)) /* a first look: the end of a long log */
    offset = log.size > MAX_TEXT ? log.size - MAX_TEXT : 0;
  else if (continues (&log, after))
    offset = json_int (after, "offset", 0);
  else
    read_rotated (path, after, &text);
  offset = read_from (&log, offset, &text);
  inode = xasprintf ("%" PRIu64, log.inode);
  tail = tail_before (&log, offset);
  out = json_object ();
  put_text (out, &text);
  json_put (out, "after",
            json_make ("{s:s, s:s, s:I, s:s}", "path", path, "inode", inode,
                       "offset", (json_int_t)offset, "tail", tail));
  close (log.fd);
  return out;
}

static struct domain_xml *
load_domain (const struct task *task, struct err **err)
{
  const char *id = json_need_str (task->in, "vm.id", err);
  CLEANUP_DOMAIN virDomainPtr dom = id ? domain_of (task, id, err) : NULL;
  CLEANUP_FREE char *xml = NULL;

  if (dom == NULL)
    return NULL;
  xml = virDomainGetXMLDesc (dom, 0);
  if (xml == NULL) {
    virt_err (err, "%s: dumpxml", virDomainGetName (dom));
    return NULL;
  }
  return domain_xml_parse (xml, virDomainGetName (dom), err);
}

int
do_serial_log (const struct task *task, json_t **out, struct err **err)
{
  CLEANUP_DOMAIN_XML struct domain_xml *domain = load_domain (task, err);
  CLEANUP_ERR struct err *why = NULL;

  if (domain == NULL)
    return -1;
  if (domain->serial == SERIAL_NONE)
    return err_set (err, ERR_REFUSED, "%s: it has no serial port",
                    domain->name);
  if (domain->serial != SERIAL_FILE)
    return err_set (err, ERR_REFUSED,
                    "%s: its serial port is not kept in a file: add <log "
                    "file='/var/log/libvirt/qemu/%s-serial.log'/> to its "
                    "<serial> to have it",
                    domain->name, domain->name);
  if (session_is_remote (task->session))
    return err_set (err, ERR_REFUSED,
                    "%s: its serial log %s is on the host of "
                    "%s",
                    domain->name, domain->serial_path,
                    session_uri (task->session));
  *out =
      read_log (domain->serial_path, json_object_get (task->in, "after"), &why);
  if (*out)
    return 0;
  if (why->code != ERR_NOT_FOUND) {
    err_move (err, TAKE (why));
    return err_wrap (err, "%s", domain->name);
  }
  *out = json_object (); /* it has never been started */
  json_put_str (*out, "text", "");
  json_put (*out, "after",
            json_make ("{s:s, s:s, s:i, s:s}", "path", domain->serial_path,
                       "inode", "0", "offset", 0, "tail", ""));
  return 0;
}
