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

#include "console.h"
#include "domain-xml.h"
#include "errors.h"
#include "ops.h"

/* At most so much in one reply: the newest part. */
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

/* Adds what is from offset to the end, and drops what is then too much from the
 * start: the last words are those that count.  Returns the end. */
static int64_t
read_end (const struct log_file *log, int64_t offset, struct strbuf *text)
{
  char chunk[16384];

  if (log->size - offset > MAX_TEXT)
    offset = log->size - MAX_TEXT;
  while (offset < log->size) {
    int64_t left = log->size - offset;
    size_t want = left < (int64_t)sizeof chunk ? (size_t)left : sizeof chunk;
    ssize_t n = pread (log->fd, chunk, want, offset);

    if (n <= 0)
      break;
    strbuf_add (text, chunk, (size_t)n);
    offset += n;
  }
  if (text->len > MAX_TEXT)
    strbuf_consume (text, text->len - MAX_TEXT);
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
    read_end (&log, json_int (after, "offset", 0), text);
  close (log.fd);
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
  if (continues (&log, after))
    offset = json_int (after, "offset", 0);
  else if (json_is_object (after))
    read_rotated (path, after, &text);
  offset = read_end (&log, offset, &text);
  inode = xasprintf ("%" PRIu64, log.inode);
  tail = tail_before (&log, offset);
  out = json_object ();
  put_console_text (out, text.buf ? text.buf : "", text.len);
  json_put (out, "after",
            json_make ("{s:s, s:s, s:I, s:s}", "path", path, "inode", inode,
                       "offset", (json_int_t)offset, "tail", tail));
  close (log.fd);
  return out;
}

static struct domain_xml *
load_domain (virDomainPtr dom, struct err **err)
{
  CLEANUP_FREE char *xml = virDomainGetXMLDesc (dom, 0);

  if (xml == NULL) {
    virt_err (err, "%s: dumpxml", virDomainGetName (dom));
    return NULL;
  }
  return domain_xml_parse (xml, virDomainGetName (dom), err);
}

static int
refuse (const struct domain_xml *domain, struct err **err)
{
  if (domain->serial == SERIAL_NONE)
    return err_set (err, ERR_REFUSED, "%s: it has no serial port",
                    domain->name);
  return err_set (
      err, ERR_REFUSED,
      "%s: its serial port is neither kept in a file nor a pty: "
      "add <log file='/var/log/libvirt/qemu/%s-serial.log'/> to its "
      "<serial>",
      domain->name, domain->name);
}

static int
read_file (const struct domain_xml *domain, const json_t *after, json_t **out,
           struct err **err)
{
  CLEANUP_ERR struct err *why = NULL;

  *out = read_log (domain->serial_path, after, &why);
  if (*out)
    return 0;
  if (why == NULL || why->code != ERR_NOT_FOUND) {
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

int
do_serial_log (const struct task *task, json_t **out, struct err **err)
{
  const char *id = json_need_str (task->in, "vm.id", err);
  const json_t *after = json_object_get (task->in, "after");
  CLEANUP_DOMAIN virDomainPtr dom = id ? domain_of (task, id, err) : NULL;
  CLEANUP_DOMAIN_XML struct domain_xml *domain = NULL;
  struct consoles *consoles = session_consoles (task->session);
  bool by_file;

  if (dom == NULL)
    return -1;
  domain = load_domain (dom, err);
  if (domain == NULL)
    return -1;
  by_file = domain->serial == SERIAL_FILE && !session_is_remote (task->session);
  if (by_file)
    return read_file (domain, after, out, err);
  if (domain->serial == SERIAL_FILE && !domain->serial_is_pty)
    return err_set (err, ERR_REFUSED,
                    "%s: its serial log %s is on the host of %s", domain->name,
                    domain->serial_path, session_uri (task->session));
  if (!domain->serial_is_pty)
    return refuse (domain, err);
  if (virDomainIsActive (dom) == 1 &&
      console_follow (consoles, task->conn, dom, err) == -1)
    return -1;
  *out = console_read (consoles, id, after);
  return 0;
}
