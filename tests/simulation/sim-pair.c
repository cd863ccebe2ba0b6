/* Several controllers and one VM: ours, a second one of the same kind with its
 * own campaign (in half of the campaigns with two of them), or the model of
 * fake-rival.c.  At no time may two be at work on one VM; whoever finds another
 * one's mark there after its own lease ran out keeps its hands off. */

#include "sim-checks.h"

/* Its controller has been silent for its whole lease: it may be taken over. */
static bool
has_let_lapse (const struct sim *sim, const struct fake_vm *vm, size_t who)
{
  return fake_now (sim->cloud) - vm->by[who].marked_ms >=
         sim->cloud->desks[who].lease_ms;
}

/* The other one's hands are on it, and we send a change. */
static void
check_hands (struct sim *sim, struct fake_vm *vm, size_t other)
{
  if (vm->by[other].touched)
    fake_checked (sim->cloud, SIM_ONE_CONTROLLER);
  if (!vm->by[other].in_hands)
    return;
  if (!has_let_lapse (sim, vm, other)) {
    fake_violation (sim->cloud, vm, "both controllers have it");
    return;
  }
  fake_trace (sim->cloud, "%s: is taken over from %s", vm->name,
              sim->cloud->desks[other].campaign);
  fake_checked (sim->cloud, SIM_TAKEN_OVER);
  vm->by[other].in_hands = false;
  vm->others = true; /* in the midst of it: nothing is sure any more */
}

/* What was on its way when that one took over is not ours to stop. */
static void
check_rival (struct sim *sim, struct fake_vm *vm)
{
  int64_t since_ms = fake_now (sim->cloud) - vm->rival_since_ms;

  if (vm->rival_since_ms)
    fake_checked (sim->cloud, SIM_ONE_CONTROLLER);
  if (vm->rival_owns && since_ms > 0)
    fake_violation (sim->cloud, vm,
                    "is another controller's, and a change is sent");
}

void
sim_check_pair (struct sim *sim, struct fake_vm *vm,
                const struct effect *effect)
{
  struct fake_view *view = &vm->by[sim->desk->number];

  if (effect->kind == EFFECT_OP && effect->op == OP_UNMARK)
    view->in_hands = false;
  if (effect->kind == EFFECT_OP &&
      (effect->op == OP_MARK || effect->op == OP_UNMARK))
    return;
  check_rival (sim, vm);
  for (size_t i = 0; i < sim->cloud->n_desks; i++)
    if (i != sim->desk->number)
      check_hands (sim, vm, i);
  view->in_hands = view->touched = true;
}
