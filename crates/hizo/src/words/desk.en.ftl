# What the desk says in English. Its twin is desk.ja.ftl: a test compares the two.

## Around every page
skip-to-main = Skip to the page
menu = Menu
lock = Lock
same-command = The same at the command line:
back-to-safe = Back to the safe
cancel = Cancel
door-safe = Safe
door-verify = Check a proof

## Coming in
unlock-title = Unlock the safe
unlock-lead = Everything on these pages stays on this computer.
unlock-which = Which safe
passphrase = Passphrase
unlock-act = Unlock
unlock-wrong = That is not the passphrase. Look whether capital letters or the Japanese keyboard are on, and type it again.
unlock-idle = After 15 minutes without a click it locks by itself.
begin-another = Begin another safe
begin-title = Begin your safe
begin-lead = A safe keeps what nobody else may see, and proves later that you had it, and since when.
begin-name = Company
begin-name-hint = Only those whom you let in see this name.
begin-passphrase = Passphrase
begin-passphrase-hint = At least 12 characters. Nobody can look it up or set it anew, we neither: write it on paper, and keep that apart from this computer.
begin-drawn = One that nobody guesses:
begin-again = The passphrase once more
begin-act = Begin
begin-where = It will be in { $folder }.
begin-fault-name = Give the company's name, in at most 60 characters.
begin-fault-short = A passphrase has at least 12 characters.
begin-fault-differs = The two passphrases differ. Type both again.

## The safe
safe-lead = { $series ->
    [one] 1 series
   *[other] { $series } series
}, { $deposits ->
    [one] 1 deposit
   *[other] { $deposits } deposits
}
safe-empty-title = Nothing is kept yet
safe-empty = Choose a folder: drawings, recipes, a list of customers. It is sealed on this computer and kept; the folder itself stays as it is.
safe-empty-example = For example: the folder of the drawings of one product, once a day.
keep-folder = Keep a folder
keep-first = Choose the first folder
keep-next = Keep the next one
series = Series
newest-deposit = Newest deposit
files = Files
size = Size
state = State
name = Name
changed = Changed
number = No.
acts = What can be done
when = When
label = Note
added = Added
deposit-at = No. { $number }, { $time }
page-of = Page { $number } of { $all }
page-before = Back
page-after = Next
note-away = The keeper cannot be reached. These pages show what this computer knew last.
note-unreadable = { $count ->
    [one] One record cannot be read.
   *[other] { $count } records cannot be read.
} “hizo check” says what is missing, and where to put it back.
note-before = { $count ->
    [one] One deposit was made
   *[other] { $count } deposits were made
} before you came. An admin can give you the keys.

## A series and a deposit
series-lead = { $count ->
    [one] 1 deposit
   *[other] { $count } deposits
}
series-timeline = All deposits
deposit-title = Deposit { $number }
deposit-of = { $series }, deposit { $number }
files-count = { $count ->
    [one] 1 file
   *[other] { $count } files
}
contents = Contents
contents-top = All
and-more = And { $count } more.
entry-unsteady = changed while it was read
prove-this = Prove
restore-this = Bring back
pill-waiting = waits to be sent
pill-waiting-says = It is sealed on this computer and goes to the keeper as soon as that can be reached.
pill-no-receipt = no receipt
pill-no-receipt-says = The keeper has given no receipt that holds. Ask whoever runs it.
pill-kept = kept
pill-kept-says = The keeper has it, and will record it within a day.
pill-recorded = recorded
pill-recorded-says = It is recorded. A proof of time is still to come.
pill-self = self-stamped
pill-self-says = It is recorded, with the keeper's own time. Nobody else has confirmed that yet.
pill-proved = proved
pill-proved-says = Somebody independent has confirmed since when it exists.
step-kept = Kept
step-kept-at = { $time }
step-kept-twice = { $time }, in two places
step-recorded = Recorded
step-recorded-as = Record { $number }
step-witnessed = Witnesses
step-witnesses = { $count ->
    [one] 1 witness
   *[other] { $count } witnesses
}
step-nobody-asked = nobody was asked
step-time = Proof of time
step-time-by = { $time }, independent
step-time-self = { $time }, by the keeper itself
step-not-yet = not yet
sentence-waiting = It is sealed on this computer, and will be sent when the keeper can be reached.
sentence-kept = { $count ->
    [one] This file is kept.
   *[other] These { $count } files are kept.
} Since when they exist nobody has confirmed yet.
sentence-self = { $count ->
    [one] This file is
   *[other] These { $count } files are
} kept. Since { $time } at the latest, the keeper says itself; for somebody independent to say so, name one who gives proofs of time.
sentence-proved = You can show to anybody that { $count ->
    [one] this file
   *[other] these { $count } files
} existed, exactly as now, at the latest on { $time }.
seal-proved = PROVED
seal-self = self

## Keeping
keep-title = Choose a folder
keep-lead = What lies in it is sealed and kept as it is now. The folder itself is not changed.
keep-series = Series
keep-series-hint = One secret's life: the next deposit of the same folder belongs to the same series.
keep-label = Note (not needed)
keep-label-hint = Why now, or what is new. It is sealed too.
keep-act = Keep “{ $folder }”
picker-above = Folders above
picker-none = There are no folders in this one.
picker-more = There are more folders than are shown here. Type the path below.
picker-files = { $count ->
    [one] 1 file lies directly in it.
   *[other] { $count } files lie directly in it.
}
picker-type = Or type a path:
picker-go = Open
work-begins = Looking through the folder…
work-done = { $done } of { $total }
work-rate = { $bytes } a second
left-seconds = { $count ->
    [one] 1 second left
   *[other] { $count } seconds left
}
left-minutes = { $count } minutes left
left-hours = { $count } hours left
work-goes-on = You can close this page; it goes on.
work-noted = Done. Please read:
work-show = Show it

## Bringing back
restore-title = Bring back
restore-lead = It is laid into a new folder and compared with what was deposited. Nothing that is there is overwritten.
restore-to = New folder
restore-to-hint = It must not be there yet, or be empty.
restore-act = Bring back
only-this = Only this: { $name }
all-of-it = { $count ->
    [one] All of it: 1 file
   *[other] All of it: { $count } files
}

## Proving
prove-title = Make a proof
prove-lead = A folder to hand on: it shows what you choose, and nothing else of the deposit. Whoever gets it checks it without hizo.
prove-act = Make the proof
prove-show = What it shows
prove-content = that the contents are the same
prove-names = names, sizes and dates
prove-complete = that the deposit holds nothing else (its other entries stay hidden)
prove-to = New folder for it
prove-to-hint = What lies in it is meant to be handed on.
prove-folder = Proof { $deposit }
proof-title = The proof is made
proof-in = It lies in { $folder }.
proof-certificate = Open the certificate
proof-holds = Held, unchanged, at the latest since { $time }. Check or renew it before { $before }.
proof-self = Held, with the keeper's own time: { $time }. Nobody independent has confirmed that yet.
proof-no-time = Held; nobody has confirmed a time yet.
proof-shows = { $count ->
    [one] It shows 1 entry.
   *[other] It shows { $count } entries.
}
proof-hand-on = To hand it on
proof-hand-on-how = Give the whole folder, on paper with the certificate if you like. README.md in it says in Japanese and English how anybody checks it.
proof-stock = For example, in that folder:

## Health, differences, people
health-title = Health
health-lead = Everything that is kept is read again, opened and compared. Nothing is changed.
health-act = Read everything again
health-how = This takes about as long as keeping it did, and goes on when the page is closed. Whatever is damaged or missing is named, with what to do.
health-holds = all of it is right
health-does-not-hold = not all of it is right
health-deposits = { $count ->
    [one] 1 deposit
   *[other] { $count } deposits
} read again, { $bytes } sealed.
health-files = { $count ->
    [one] 1 content
   *[other] { $count } contents
} opened and compared, { $bytes }.
diff-title = Deposit { $number } beside { $other }
diff-with = Compare with
diff-act = Compare
diff-compare = What changed
diff-none = There is no difference.
diff-what = What
diff-how = How
diff-added = added
diff-removed = removed
diff-renamed = renamed
diff-changed = changed
diff-from = was { $name }
diff-same = { $count ->
    [one] 1 entry is the same.
   *[other] { $count } entries are the same.
}
door-people = People
people-lead = Who may open this safe, who may add to it, and since when.
people-may = May
people-opens = Opens it
people-opens-yes = yes
people-opens-no = no
people-since = Since
people-machines = Computers
people-machine = { $name }
people-machine-deposits = { $name }, keeps by itself
people-rule = Changes
role-admin = everything, and let others in
role-reader = look
role-writer = keep, and not look
role-both = look and keep
role-machines = nothing; only computers
cards = Key cards
cards-none = There are none. If the passphrase or this computer is lost, nothing here can be opened any more. “hizo recovery make” prints them.
cards-untried = Made on { $made }, and never tried. “hizo recovery drill” tries whether they open the safe.
cards-due = Made on { $made }, tried last on { $tried }: it is time to try them again, with “hizo recovery drill”.
cards-tried = Made on { $made }, tried last on { $tried }.
cards-what = Cards of paper with words on them. Enough of them together open the safe when the passphrase is lost, and nobody else can help then.

## Something is wrong, and cases
door-wrong = Something is wrong
door-cases = Advice
wrong-title = Something is wrong
wrong-lead = Nothing is decided here. First keep what can be lost, then ask.
wrong-what = What do you see?
wrong-next = What now?
wrong-do-not = Do not do this now
wrong-keep = Keep this, before it is gone
wrong-days = usually gone after { $count ->
    [one] a day
   *[other] { $count } days
}
wrong-ask = Ask for help
wrong-begin-what = This begins a case: a place that you share with those whom you invite to it, and nobody else. What is in your safe stays there.
wrong-call = What the case is called
wrong-call-hint = In neutral words: no secret, nobody's name.
wrong-urgent = Somebody has to act today
wrong-begin = Begin the case
wrong-no-keeper = Your safe is kept on this computer, where nobody else can reach a case. Begin one at a keeper that you share with a centre: “hizo case open --keeper”.
wrong-direct = You may also go to the police straight away (110, or the desk of your prefecture), or to a centre by telephone.
cases-lead = What you ask others, and they ask you. What is due first stands first.
cases-empty-title = There is no case
cases-empty = When something is wrong, or you want advice, a case begins with one question. Nothing is sent to anybody before you say so.
case = Case
case-kind = About
case-due = By when
case-no-clock = no term
case-you = you: { $who }
case-invite = Save the invite
case-states = Where it stands
case-holder = Who acts
case-since = Since
case-next = Next: { $state }
case-next-needs = { $state }: by a consented hand-over, with “hizo hand-over”.
case-reason = Reason for “{ $state }”
case-go = Go on
case-story = What happened
case-tell = What happened, as you know it
case-happened = On which day (if it is known)
case-tell-act = Write it down
case-said-by = { $who }, { $time }
case-advice = Advice
case-advise = Advice for the company
case-advise-act = Give it
case-no-advice = None yet.
case-tasks = To do
case-task-text = What is to be done
case-task-who = Who does it
case-task-act = Add
case-done = done
case-is-done = It is done
case-keeping = What may be lost
case-refused = { $count ->
    [one] One thing that was said here does not count.
   *[other] { $count } things that were said here do not count.
} “hizo case show” says why.
party-company = company
party-counsellor = counsellor
source-until = until { $time }
source-half = half over: until { $time }
source-urgent = urgent: until { $time }
source-over = may be gone since { $time }
source-kept = It is kept
source-none = There is none
matrix-title = What the case can show so far
matrix-known = shown
matrix-not-here = stands in the company's own records
reason-facts = enough is known
reason-declined = the centre cannot help with it
reason-withdrawn = the company does not want it any more
reason-elsewhere = somebody else is the right one
reason-no-leak = nothing got out
reason-support = it is about management
reason-suspicion = something may have got out
reason-preserved = the evidence is kept
reason-advised = advice was given
reason-quiet = it has been quiet
reason-nothing-left = nothing is left to keep
reason-former-employee = a former employee
reason-employee = an employee
reason-partner = a partner
reason-attack = an attack
reason-approach = an approach
reason-refused = the company does not agree
reason-consented = the company has agreed
reason-own-action = the company acts by itself
reason-rejected = it was rejected
reason-insufficient = it was not enough
reason-accepted = it was accepted
reason-undetermined = it cannot be determined
reason-no-attack = no attack
reason-not-eligible = not for the rescue team
reason-damage = there is damage
reason-no-damage = there is no damage
reason-notified = the police were told
reason-found = the cause was found
reason-not-found = the cause was not found
reason-measures-agreed = measures are agreed
reason-reported = it was reported
reason-returned = it was returned
reason-direct = straight to the police
reason-done = everything is done

## Consents
consent-title = Consents
consent-lead = Nothing of this case goes to anybody else unless you sign for exactly that.
consent-given = What you have signed
consent-receiver = To whom
consent-what = What for
consent-not-yours = Only an admin of the case on the company’s side consents. You see here what was signed.
consent-empty-title = There is nothing to hand over yet
consent-empty = What a receiver is to see lies in this case first: keep a folder in it, with nothing but what he needs. For example: the list of copied files, without the drawings.
consent-there = What happens there
consent-there-specialist = The patent office’s specialists read it, and tell you and your counsellor who can act. They ask how the secret was kept.
consent-there-rescue = The rescue team says whether it was an attack: yes, no, or undetermined. They ask for records of machines as they are, and come to you later.
consent-there-police = The police take it as a consultation first. They ask for originals and for somebody who can speak for the company.
consent-back = If you take it back
consent-back-what = You can take it back at any time. What the receiver has not accepted by then is not opened any more; what he has accepted stays with him, by the law that he works under.
consent-no-copy = Whoever reads something can copy it. No program prevents that.
consent-new = A new consent
consent-known = An organisation of the directory
consent-other = somebody else, named below
consent-receiver-name = What the receiver is called
consent-key = The receiver’s key
consent-key-hint = He reads it to you, or you compare it with what he says. Take it by another way than it came.
consent-purpose = What he may use it for
consent-purpose-hint = The receiver reads this. Write no name in it that he is not to know.
consent-items = What may be handed over
consent-items-hint = On the next page you see every file, and leave out what is not to go.
consent-level = How much may be known
level-a = A: how it was done, and nothing else
level-b = B: what happened, without your name
level-c = C: with your name
level-d = D: with your name, and the evidence
consent-sought = What must not be known at A and B: names, and dates such as that of your founding, one on each line
consent-sought-hint = Each is looked for in every width and kana, with and without ㈱, and in both calendars.
consent-company = What your company is called, for C and D
consent-onward = To whom he may pass it on
onward-red = To nobody (TLP red)
onward-amber-strict = Within his organisation (TLP amber+strict)
onward-amber = To those he works for, as far as they need it (TLP amber)
onward-green = To others who protect companies (TLP green)
onward-clear = To anybody (TLP clear)
consent-until = The last day on which it may be opened
consent-keeps = The counsellor may go on reading it there
consent-preview = Show what he will see
consent-not-yet = Nothing is signed yet.
preview-title = What the receiver will see
preview-lead = Exactly this, and nothing else, goes to { $receiver }.
preview-marked = { $count ->
    [one] One thing tells, or may tell, who you are. Decide on it.
   *[other] { $count } things tell, or may tell, who you are. Decide on each.
}
preview-found = found
preview-unseen = cannot be looked into
preview-stands = It may go all the same
preview-goes = It goes
preview-out = Leave it out
preview-sign = What you sign
preview-who = Receiver: { $receiver }
preview-purpose = For: { $purpose }
preview-until = Until { $day }
preview-story = What was told in the case does not go.
preview-sign-act = Sign the consent
preview-no = Not now
withdraw-title = Take a consent back
withdraw-act = Take it back
withdraw-open = From now on nothing of it may be opened. That cannot be undone: you would sign a new consent.
withdraw-accepted = The receiver has accepted it before, and keeps what he accepted. Nothing more comes to him.
withdraw-tell = The receiver’s program learns of it in the hand-over. Tell the counsellor, and run the command below there with --at.
withdraw-reason = Why (the counsellor can read it)
withdraw-no = Leave it as it is

## Checking
verify-lead = A proof that somebody sent you: choose its folder. No safe is needed, and nothing is sent anywhere.
verify-which = Where is it?
verify-act = Check “{ $folder }”
verify-steps = What was checked
verify-trust = What you trust
verify-trust-hint = Take these from somebody you trust, and not from who sent the proof. Without them it can only be said whether the proof contradicts itself.
verify-policy = File that says whose records and witnesses you trust
verify-roots = File with the certificates of those whose proofs of time you trust
verify-file = A file to compare with what is shown
verify-bring = Under “What you trust” below, name what somebody you trust has given you; then it can be told.
verify-ask = Ask for a proof whose time somebody independent has confirmed.
verify-holds = holds
verify-cannot-tell = cannot be told
verify-does-not-hold = does not hold

## When something goes wrong
failed-fixable = That did not work
failed-false = That does not hold
failed-unknown = That cannot be told
failed-lying = Stop: something is not as it was
failed-waits = It waits
failed-internal = This is a fault of hizo
