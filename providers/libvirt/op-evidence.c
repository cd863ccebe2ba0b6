/* What a guest shows of itself: its screen, and a word of its agent. */

#include <string.h>

#include <libvirt/libvirt-qemu.h>

#include <base/strbuf.h>
#include <base/text.h>

#include "domain-xml.h"
#include "errors.h"
#include "ops.h"

#define MAX_SCREEN_BYTES (64 * 1024 * 1024)
#define PING_LIMIT_S     5

static int
collect (virStreamPtr stream, const char *bytes, size_t n, void *opaque)
{
  struct strbuf *image = opaque;

  (void)stream;
  if (image->len + n > MAX_SCREEN_BYTES)
    return -1;
  strbuf_add (image, bytes, n);
  return (int)n;
}

/* PPM or PNG, as the driver's release likes: by its bytes, because older ones
 * say PPM for whatever QEMU gives. */
static const char *
image_type (const struct strbuf *image, const char *said)
{
  if (image->buf && image->len > 4 && memcmp (image->buf, "\x89PNG", 4) == 0)
    return "image/png";
  if (image->buf && image->len > 2 && memcmp (image->buf, "P6", 2) == 0)
    return "image/x-portable-pixmap";
  return said;
}

int
do_screenshot (const struct task *task, json_t **out, struct err **err)
{
  const char *id = json_need_str (task->in, "vm.id", err);
  CLEANUP_DOMAIN virDomainPtr dom = id ? domain_of (task, id, err) : NULL;
  CLEANUP_STRBUF struct strbuf image = STRBUF_EMPTY;
  CLEANUP_FREE char *said = NULL, *data = NULL;
  virStreamPtr stream;
  int result = -1;

  if (dom == NULL)
    return -1;
  stream = virStreamNew (task->conn, 0);
  if (stream)
    said = virDomainScreenshot (dom, stream, 0, 0);
  if (said &&
      virStreamRecvAll (stream, (virStreamSinkFunc)collect, &image) == 0)
    result = virStreamFinish (stream);
  else if (said)
    virStreamAbort (stream);
  if (result == -1)
    virt_err (err, "%s: screenshot", virDomainGetName (dom));
  if (stream)
    virStreamFree (stream);
  if (result == -1)
    return -1;
  data = base64_encode (image.buf ? image.buf : "", image.len);
  *out = json_object ();
  json_put_str (*out, "type", image_type (&image, said));
  json_put_str (*out, "data", data);
  return 0;
}

static void
say (json_t **out, bool alive, const char *why)
{
  *out = json_object ();
  json_put_bool (*out, "alive", alive);
  json_put_str (*out, "why", why);
}

/* A guest that does not answer is an answer, not an error. */
static int
ping (virDomainPtr dom, json_t **out)
{
  char *reply = virDomainQemuAgentCommand (dom, "{\"execute\":\"guest-ping\"}",
                                           PING_LIMIT_S, 0);

  if (reply == NULL) {
    CLEANUP_ERR struct err *why = NULL;

    virt_err (&why, "guest-ping");
    say (out, false, why->msg);
    return 0;
  }
  say (out, true, "the guest agent answers");
  free (reply);
  return 0;
}

int
do_guest_ping (const struct task *task, json_t **out, struct err **err)
{
  const char *id = json_need_str (task->in, "vm.id", err);
  CLEANUP_DOMAIN virDomainPtr dom = id ? domain_of (task, id, err) : NULL;
  CLEANUP_DOMAIN_XML struct domain_xml *domain = NULL;
  CLEANUP_FREE char *xml = NULL;

  if (dom == NULL)
    return -1;
  xml = virDomainGetXMLDesc (dom, 0);
  if (xml == NULL)
    return virt_err (err, "%s: dumpxml", virDomainGetName (dom));
  domain = domain_xml_parse (xml, virDomainGetName (dom), err);
  if (domain == NULL)
    return -1;
  if (virDomainIsActive (dom) != 1)
    say (out, false, "the domain is off");
  else if (!domain->agent_channel)
    say (out, false, "it has no channel for a guest agent");
  else if (!domain->agent_connected)
    say (out, false, "no guest agent has connected");
  else
    return ping (dom, out);
  return 0;
}
