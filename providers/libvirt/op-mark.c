/* Marking domains as in work, and leaving their definitions as they were.
 *
 * libvirt has no compare-and-set, so that exactly one of two controllers wins
 * is made of three parts:
 *   1. controllers on one machine exclude each other with a lock (the name of
 *      an abstract socket, which vanishes with its process) around read, write
 *      and read again: for local URIs, where alone disks can be repaired, this
 *      is exact;
 *   2. from different machines (remote URIs) the last writer wins: after
 *      writing each waits for SETTLE_MS and reads again, so the loser learns of
 *      it unless the other one stood still for longer than that between its
 *      reading and its writing;
 *   3. even then stop and start compare the mark once more (op-power.c).
 *
 * The mark is put into the persistent definition only, which survives us,
 * libvirtd and the host.  A domain that is started while marked has it in its
 * live definition as well, so it is taken out of both. */

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "domain-xml.h"
#include "errors.h"
#include "metadata.h"
#include "ops.h"

#define SETTLE_MS    500
#define LOCK_WAIT_MS 10000
#define LOCK_POLL_MS 20

static void
sleep_ms (long ms)
{
  struct timespec wait = {ms / 1000, (ms % 1000) * 1000000};

  while (nanosleep (&wait, &wait) == -1 && errno == EINTR)
    ;
}

/* Returns the lock as a descriptor: closing it, or dying, frees it. */
static int
lock_domain (const char *uuid, struct err **err)
{
  struct sockaddr_un at = {.sun_family = AF_UNIX};
  int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  socklen_t len;
  int n;

  if (fd == -1)
    return err_set_errno (err, errno, "lock of the mark: socket");
  /* The first byte stays 0: an abstract name, not a file. */
  n = snprintf (at.sun_path + 1, sizeof at.sun_path - 1, "bootmend-mark-%s",
                uuid);
  len = (socklen_t)(offsetof (struct sockaddr_un, sun_path) + 1 + (size_t)n);
  for (long waited = 0; bind (fd, (struct sockaddr *)&at, len) == -1;
       waited += LOCK_POLL_MS) {
    if (errno == EADDRINUSE && waited < LOCK_WAIT_MS) {
      sleep_ms (LOCK_POLL_MS);
      continue;
    }
    if (errno == EADDRINUSE)
      err_set (err, ERR_CONFLICT,
               "another bootmend is about to mark this domain");
    else
      err_set_errno (err, errno, "lock of the mark");
    close (fd);
    return -1;
  }
  return fd;
}

/* The mark in the persistent or the live definition; NULL: none. */
static json_t *
mark_of (virDomainPtr dom, unsigned where)
{
  char *text = virDomainGetMetadata (dom, VIR_DOMAIN_METADATA_ELEMENT,
                                     MARK_NAMESPACE, where);
  json_t *mark = text ? mark_from_text (text) : NULL;

  free (text);
  return mark;
}

static bool
same_campaign (const json_t *a, const json_t *b)
{
  return strcmp (json_str (a, "campaign", ""), json_str (b, "campaign", "")) ==
         0;
}

static int
taken (const json_t *by, virDomainPtr dom, struct err **err)
{
  return err_set (err, ERR_CONFLICT,
                  "%s: it is in work by campaign %s of %s since %s",
                  virDomainGetName (dom), json_str (by, "campaign", "?"),
                  json_str (by, "controller", "?"),
                  json_str (by, "since", "?"));
}

/* Whether the domain has a <metadata> that is not ours alone. */
static int
has_no_metadata (virDomainPtr dom, const json_t *present, bool *none,
                 struct err **err)
{
  CLEANUP_FREE char *xml = virDomainGetXMLDesc (dom, VIR_DOMAIN_XML_INACTIVE);
  CLEANUP_DOMAIN_XML struct domain_xml *parsed = NULL;

  if (xml == NULL)
    return virt_err (err, "%s: dumpxml", virDomainGetName (dom));
  parsed = domain_xml_parse (xml, virDomainGetName (dom), err);
  if (parsed == NULL)
    return -1;
  *none = present ? json_bool (present, "alone", false) : !parsed->has_metadata;
  return 0;
}

static int
write_mark (const struct task *task, virDomainPtr dom, const json_t *mark,
            const json_t *present, struct err **err)
{
  CLEANUP_FREE char *text = NULL;
  CLEANUP_JSON json_t *now = NULL;
  bool alone = false;

  if (has_no_metadata (dom, present, &alone, err) == -1)
    return -1;
  text = mark_to_text (mark, alone);
  if (task_is_given_up (task))
    return err_set (err, ERR_TIMEOUT, "given up");
  if (virDomainSetMetadata (dom, VIR_DOMAIN_METADATA_ELEMENT, text, MARK_PREFIX,
                            MARK_NAMESPACE, VIR_DOMAIN_AFFECT_CONFIG) == -1)
    return virt_err (err, "%s: mark", virDomainGetName (dom));
  if (session_is_remote (task->session))
    sleep_ms (SETTLE_MS);
  now = mark_of (dom, VIR_DOMAIN_AFFECT_CONFIG);
  if (now == NULL)
    return err_set (err, ERR_CONFLICT, "%s: the mark did not stay",
                    virDomainGetName (dom));
  if (!same_campaign (now, mark) ||
      strcmp (json_str (now, "controller", ""),
              json_str (mark, "controller", "")) != 0)
    return taken (now, dom, err);
  return 0;
}

static int
mark_one (const struct task *task, virDomainPtr dom, const json_t *vm,
          struct err **err)
{
  const json_t *mark = json_need_object (task->in, "mark", err);
  CLEANUP_JSON json_t *present = NULL;
  CLEANUP_CLOSE int lock = -1;

  if (mark == NULL || json_need_str (mark, "campaign", err) == NULL)
    return -1;
  lock = lock_domain (json_str (vm, "id", ""), err);
  if (lock == -1)
    return -1;
  if (virDomainIsPersistent (dom) != 1)
    return err_set (err, ERR_REFUSED, "%s: it is transient: it keeps no mark",
                    virDomainGetName (dom));
  present = mark_of (dom, VIR_DOMAIN_AFFECT_CONFIG);
  if (present && !same_campaign (present, mark) &&
      strcmp (json_str (present, "campaign", ""),
              json_str (task->in, "replaces", "")) != 0)
    return taken (present, dom, err);
  return write_mark (task, dom, mark, present, err);
}

/* What is running keeps a copy of its own; a domain that has just stopped has
 * none any more. */
static int
clear_live (virDomainPtr dom, const json_t *mark, struct err **err)
{
  CLEANUP_JSON json_t *live = NULL;

  if (virDomainIsActive (dom) != 1)
    return 0;
  live = mark_of (dom, VIR_DOMAIN_AFFECT_LIVE);
  if (live == NULL || !same_campaign (live, mark))
    return 0;
  if (virDomainSetMetadata (dom, VIR_DOMAIN_METADATA_ELEMENT, NULL, NULL,
                            MARK_NAMESPACE, VIR_DOMAIN_AFFECT_LIVE) == 0)
    return 0;
  virt_err (err, "%s: unmark while running", virDomainGetName (dom));
  if (virDomainIsActive (dom) == 1)
    return -1;
  err_move (err, NULL);
  return 0;
}

/* The mark and the <metadata> that came with it go in one step, so that a crash
 * leaves either all or nothing of it.  SECURE: without it the passwords of the
 * graphics would be lost by defining again. */
static int
define_without_mark (const struct task *task, virDomainPtr dom,
                     struct err **err)
{
  CLEANUP_FREE char *xml = virDomainGetXMLDesc (dom, VIR_DOMAIN_XML_INACTIVE |
                                                         VIR_DOMAIN_XML_SECURE);
  CLEANUP_FREE char *without = NULL;
  CLEANUP_DOMAIN virDomainPtr defined = NULL;

  if (xml == NULL)
    return virt_err (err, "%s: dumpxml", virDomainGetName (dom));
  without = definition_without_mark (xml);
  defined = virDomainDefineXML (task->conn, without);
  if (defined == NULL)
    return virt_err (err, "%s: unmark", virDomainGetName (dom));
  return 0;
}

static int
unmark_one (const struct task *task, virDomainPtr dom, const json_t *vm,
            struct err **err)
{
  const json_t *mark = json_need_object (task->in, "mark", err);
  CLEANUP_JSON json_t *present = NULL;
  CLEANUP_CLOSE int lock = -1;

  if (mark == NULL || json_need_str (mark, "campaign", err) == NULL)
    return -1;
  lock = lock_domain (json_str (vm, "id", ""), err);
  if (lock == -1)
    return -1;
  present = mark_of (dom, VIR_DOMAIN_AFFECT_CONFIG);
  if (present && !same_campaign (present, mark))
    return taken (present, dom, err);
  if (clear_live (dom, mark, err) == -1)
    return -1;
  if (present == NULL)
    return 0;
  if (json_bool (present, "alone", false))
    return define_without_mark (task, dom, err);
  if (virDomainSetMetadata (dom, VIR_DOMAIN_METADATA_ELEMENT, NULL, NULL,
                            MARK_NAMESPACE, VIR_DOMAIN_AFFECT_CONFIG) == -1)
    return virt_err (err, "%s: unmark", virDomainGetName (dom));
  return 0;
}

int
do_mark (const struct task *task, json_t **out, struct err **err)
{
  return for_each_vm (task, mark_one, out, err);
}

int
do_unmark (const struct task *task, json_t **out, struct err **err)
{
  return for_each_vm (task, unmark_one, out, err);
}

/* The first line in which two texts differ, as "line 12: OLD is now NEW". */
static char *
first_difference (const char *before, const char *after)
{
  for (int line = 1;; line++) {
    size_t a = strcspn (before, "\n"), b = strcspn (after, "\n");

    if (a != b || memcmp (before, after, a) != 0 || !before[a] || !after[b])
      return xasprintf ("line %d: \"%.*s\" is now \"%.*s\"", line, (int)a,
                        before, (int)b, after);
    before += a + 1;
    after += b + 1;
  }
}

/* Repairing in place changes nothing of a domain but the mark, so what differs
 * was changed by somebody else during the campaign: it is told, never taken
 * back. */
int
do_restore (const struct task *task, json_t **out, struct err **err)
{
  const char *id = json_need_str (task->in, "vm.id", err);
  const char *before =
      id ? json_need_str (task->in, "saved.attributes.definition", err) : NULL;
  CLEANUP_DOMAIN virDomainPtr dom = before ? domain_of (task, id, err) : NULL;
  CLEANUP_FREE char *xml = NULL, *after = NULL, *where = NULL;

  if (dom == NULL)
    return -1;
  xml = virDomainGetXMLDesc (dom, VIR_DOMAIN_XML_INACTIVE);
  if (xml == NULL)
    return virt_err (err, "%s: dumpxml", virDomainGetName (dom));
  after = definition_without_mark (xml);
  if (strcmp (before, after) != 0) {
    where = first_difference (before, after);
    return err_set (err, ERR_CONFLICT,
                    "%s: somebody changed its definition meanwhile, %s; look "
                    "with virsh dumpxml --inactive",
                    virDomainGetName (dom), where);
  }
  *out = json_object ();
  return 0;
}
