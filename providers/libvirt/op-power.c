/* Stopping and starting domains. */

#include <string.h>

#include <libvirt/virterror.h>

#include "console.h"
#include "domain-xml.h"
#include "errors.h"
#include "metadata.h"
#include "ops.h"

#define HUNG_MS 5000

/* The record's mark is what its campaign has put there.  Somebody else's now
 * means that this campaign has lost the domain and must not touch it. */
static int
check_mark (virDomainPtr dom, const json_t *vm, struct err **err)
{
  const char *ours = json_str (vm, "mark.campaign", NULL);
  CLEANUP_FREE char *text = NULL;
  CLEANUP_JSON json_t *mark = NULL;

  if (ours == NULL)
    return 0;
  text = virDomainGetMetadata (dom, VIR_DOMAIN_METADATA_ELEMENT, MARK_NAMESPACE,
                               VIR_DOMAIN_AFFECT_CONFIG);
  mark = text ? mark_from_text (text) : NULL;
  if (mark && strcmp (json_str (mark, "campaign", ""), ours) != 0)
    return err_set (err, ERR_CONFLICT, "%s: it is in work by campaign %s",
                    virDomainGetName (dom), json_str (mark, "campaign", "?"));
  return 0;
}

static int
ask_to_stop (virDomainPtr dom, int state, struct err **err)
{
  /* A guest that has crashed hears nothing any more. */
  if (state == VIR_DOMAIN_CRASHED)
    return virDomainDestroyFlags (dom, VIR_DOMAIN_DESTROY_GRACEFUL);
  if (virDomainShutdown (dom) == 0 ||
      virGetLastErrorCode () == VIR_ERR_OPERATION_INVALID)
    return 0;
  /* An agent that is configured but does not answer: the power button. */
  if (virDomainShutdownFlags (dom, VIR_DOMAIN_SHUTDOWN_ACPI_POWER_BTN) == 0 ||
      virGetLastErrorCode () == VIR_ERR_OPERATION_INVALID)
    return 0;
  return virt_err (err, "%s: shutdown", virDomainGetName (dom));
}

/* Does QEMU leave its monitor unanswered?  (JOB alone is somebody's work.) */
static bool
is_hung (virDomainPtr dom)
{
  virDomainControlInfo info;

  return virDomainGetControlInfo (dom, &info, 0) == 0 &&
         (info.state == VIR_DOMAIN_CONTROL_ERROR ||
          (info.state == VIR_DOMAIN_CONTROL_OCCUPIED &&
           info.stateTime > HUNG_MS));
}

/* GRACEFUL is a SIGTERM, so that QEMU can flush its images; only if it does not
 * end by that (25 s; 45 s if its monitor hangs, which is not waited for) is it
 * killed. */
static int
make_stop (virDomainPtr dom, struct err **err)
{
  if (!is_hung (dom) &&
      virDomainDestroyFlags (dom, VIR_DOMAIN_DESTROY_GRACEFUL) == 0)
    return 0;
  if (virDomainIsActive (dom) == 0 || virDomainDestroy (dom) == 0)
    return 0;
  virt_err (err, "%s: destroy", virDomainGetName (dom));
  if (virDomainIsActive (dom) != 0)
    return -1;
  err_move (err, NULL);
  return 0;
}

static int
stop_one (const struct task *task, virDomainPtr dom, const json_t *vm,
          struct err **err)
{
  int state, reason;

  if (check_mark (dom, vm, err) == -1)
    return -1;
  if (virDomainGetState (dom, &state, &reason, 0) == -1)
    return virt_err (err, "%s: state", virDomainGetName (dom));
  if (state == VIR_DOMAIN_SHUTOFF)
    return 0;
  /* Stopping a transient domain would delete it. */
  if (virDomainIsPersistent (dom) != 1)
    return err_set (err, ERR_REFUSED, "%s: it is transient: it would vanish",
                    virDomainGetName (dom));
  if (json_bool (task->in, "force", false))
    return make_stop (dom, err);
  return ask_to_stop (dom, state, err);
}

int
do_stop (const struct task *task, json_t **out, struct err **err)
{
  return for_each_vm (task, stop_one, out, err);
}

/* What a pty says in the first seconds is the proof of a boot, and it is gone
 * if nobody listens.  Failing to is no reason to call the start failed. */
static void
listen_from_start (const struct task *task, virDomainPtr dom)
{
  CLEANUP_FREE char *xml = virDomainGetXMLDesc (dom, 0);
  CLEANUP_DOMAIN_XML struct domain_xml *domain =
      xml ? domain_xml_parse (xml, "domain", NULL) : NULL;

  if (domain && domain->serial_is_pty &&
      (domain->serial == SERIAL_PTY || session_is_remote (task->session)) &&
      console_follow (session_consoles (task->session), task->conn, dom,
                      NULL) == -1)
    return;
}

static int
start_one (const struct task *task, virDomainPtr dom, const json_t *vm,
           struct err **err)
{
  const char *name = virDomainGetName (dom);

  if (check_mark (dom, vm, err) == -1)
    return -1;
  if (virDomainIsActive (dom) == 1)
    return 0;
  if (virDomainHasManagedSaveImage (dom, 0) == 1)
    return err_set (
        err, ERR_REFUSED,
        "%s: start: its memory was saved meanwhile and would resume "
        "on a changed disk: virsh managedsave-remove it",
        name);
  if (virDomainCreate (dom) == 0) {
    listen_from_start (task, dom);
    return 0;
  }
  virt_err (err, "%s: start", name);
  if (virDomainIsActive (dom) != 1)
    return -1;
  err_move (err, NULL); /* somebody was faster */
  return 0;
}

int
do_start (const struct task *task, json_t **out, struct err **err)
{
  return for_each_vm (task, start_one, out, err);
}
