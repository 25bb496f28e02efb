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
unsent-title = What you had written
unsent-lead = The desk was locked before this was sent, and nothing of it was done. Look at it, and send it now; what you leave here stays until you send it or let it go.
unsent-text = Text
unsent-note = Note
unsent-send = Send it now
unsent-where = The page on which you wrote it
unsent-forget = Let it go
unsent-waits = The desk had been locked, and nothing was done. What you have written is kept: unlock, and send it then.
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
begin-there = Keep it at a keeper that others reach, too …
begin-there-says = Without one it is kept on this computer alone. Share the safe with others, or from a second computer, and all of them need one address that each reaches. Whoever keeps it there can read nothing of it.
begin-keeper = Address of the keeper
begin-act = Begin
begin-where = It will be in { $folder }.
begin-fault-name = Give the company's name, in at most 60 characters.
begin-fault-short = A passphrase has at least 12 characters.
begin-fault-differs = The two passphrases differ. Type both again.

## A sample company
sample-first = Would you rather look first?
sample-first-says = A company that is made up, with its drawings, recipes and customers in a safe of its own. Nothing of yours is in it, and one click removes it.
sample-act = Look at a sample company
sample-title = A sample company
sample-lead = Everything in this safe is made up. Try whatever you like; keep nothing real in it.
sample-what = A maker of moulds keeps four folders: moulds, recipes, sales, development. See how far each is, bring one back, prove a drawing.
sample-passphrase = Its passphrase:
sample-look = Look at its safe
sample-rid = Be rid of it
sample-rid-says = This deletes { $folder } with all that was kept there. It cannot be undone; no other safe is touched.
sample-remove = Delete the sample

## A large safe on its way to being open
opening-title = Unlocking the safe
opening-lead = There is much in it: every record is read and checked before anything is shown as it is now.
opening-begins = Looking whether everything is as it was seen before…
opening-done = { $done } of { $total } records
opening-before = As you saw it last, { $time }
opening-before-added = { $count ->
    [one] As you saw it last, { $time }; 1 record was added since
   *[other] As you saw it last, { $time }; { $count } records were added since
}

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
tab-series = Series
tab-deposit = Deposit
tab-case = Case
tab-work = Work
series-timeline = All deposits
deposit-title = Deposit { $number }
deposit-of = { $series }, deposit { $number }
files-count = { $count ->
    [one] 1 file
   *[other] { $count } files
}
contents = Contents
contents-top = All
contents-folders = Folders
and-more = And { $count } more.
and-older = And { $count } older ones.
entry-unsteady = changed while it was read
prove-this = Prove
restore-this = Bring back
look-lead = As it was deposited. It is opened on this computer, in memory, and nothing in it is run.
look-cut = Only the first { $size } are shown.
look-encoding = Read as { $encoding }. If it makes no sense, it was written in another encoding: bring it back to open it.
look-other = This kind of file cannot be shown here. Bring it back into a folder to open it.
look-document = A PDF document. Your browser saves it as an open file on this computer: delete that when you have looked at it.
look-save = Save it
schedule-title = Schedule
schedule-lead = A folder that is kept by itself, so that nobody has to remember.
schedule-every = How often
schedule-what = It is kept once now; from then on this computer keeps it by itself, also when the safe is locked: whatever deposits needs no passphrase and opens nothing.
schedule-act = Keep “{ $folder }” now and by itself
schedule-end = End the schedule
schedule-end-what = If you end it, what is kept stays, and the folder is kept by itself no more.
pill-waiting = waits to be sent
pill-waiting-says = It is sealed on this computer and goes to the keeper as soon as that can be reached.
pill-unasked = not known now
pill-unasked-says = The keeper cannot be asked at the moment. What it has recorded so far stays recorded.
pill-closed = from before you came
pill-closed-says = What was kept here before you came has not been given to you. An admin of the safe can.
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
step-unasked = cannot be asked now
sentence-waiting = It is sealed on this computer, and will be sent when the keeper can be reached.
sentence-unasked = { $count ->
    [one] One file was
   *[other] { $count } files were
} kept. The keeper cannot be asked at the moment since when that can be shown.
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
drop-title = Hand files over by the browser
drop-lead = For files that are not in a folder of this computer, or to drop some here. They are sealed here; nothing leaves this computer by it but what is kept.
drop-folder = A folder, with everything in it
drop-files = Or single files
drop-hint = You can drop them on the field, too.
drop-act = Keep them
drop-going = On its way…
drop-left = { $time } left
drop-broken = The desk did not answer. Look at the safe whether it was kept before you send it again.
drop-not-given = A browser gives names and contents only: no times of change, no rights, no links, no empty folders. While it comes, it lies in a private folder of the safe on this computer, and is removed from there when it is kept.
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
work-pending = goes on
work-ended = done
work-failed = did not work
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
role-writer-hint = Whoever may keep and not look has no desk of this safe: he keeps by command.
role-both = look and keep
role-machines = nothing; only computers
cards = Key cards
cards-none = There are none. If the passphrase or this computer is lost, nothing here can be opened any more.
cards-untried = Made on { $made }, and never tried. Try whether they open the safe.
cards-due = Made on { $made }, tried last on { $tried }: it is time to try them again.
cards-tried = Made on { $made }, tried last on { $tried }.
cards-what = Cards of paper with words on them. Enough of them together open the safe when the passphrase is lost, and nobody else can help then.
cards-go = Key cards
cards-try = Try the cards
cards-try-what = Type the words of { $count } cards from the paper. It is said whether they open the safe; nothing is shown of it.
cards-try-words = Words of card { $number } (33)
cards-try-act = Try them
cards-make = Make key cards
cards-anew = Make new ones in place of these
cards-make-what = Each goes to another person or another place. They are shown once, to be printed; nothing of them stays on this computer.
cards-count = How many cards
cards-needed = How many of them open the safe
cards-replace = The cards that there are shall open nothing that is kept from now on
cards-make-act = Make the cards
cards-made = Print these now
cards-print = They are gone when the safe is locked. Open each, print it, and do not save it.
cards-page = Card { $number }
cards-emergency = Emergency card (no secret): what to do when something happened
cards-emergency-file = Emergency file (no secret): keep it outside of this computer, with the emergency card
cards-printed = They are printed: try them
cards-danger = Whoever has { $count } of them reads everything, and leaves no trace.
cards-apart = Keep each at another place, none beside this computer.
cards-burn = What was kept up to now stays open to the cards of before: destroy them once the new ones were tried.
unlock-lost = Is the passphrase lost?
unlock-lost-what = With enough key cards the safe opens without it, with new keys. Ask somebody who knows the command line:
unlock-lost-all = And where this computer is gone, with the emergency file on a new one:

## People come and go
begin-join = Somebody has invited you? Join that safe instead.
begin-card = Something is wrong, and your own computer is not at hand? Begin a case with the emergency card.
card-title = Begin a case with the emergency card
card-lead = Choose the file emergency.json that was made beside the card. It says which keeper you share with those who help.
card-paper = Only the paper is at hand? Telephone: a centre begins the case for you. Or use “hizo case open” with what the card says behind “Keeper” and “Log”.
card-begin-lead = The case is a place that you share with those whom you invite, and nobody else. Neither the recovery cards nor the passphrase of your safe are needed for it.
card-passphrase = A passphrase for the case
card-compare = Compare with the printed card
card-keeper = Keeper
card-log = Log
card-receipts = Receipts
card-code = Code of the keeper, if it asks for one
card-code-hint = Its operator gives one out for each place that is begun there.
card-fault-kind = Choose what you see.
case-people = Who is in it
people-invite = Save an invite
people-you = you
people-alone = This safe is kept on this computer alone, where nobody else reaches it. To share one, set it up at a keeper that all of you reach.
people-how = How somebody comes
people-how-invite = Save an invite and send it to the person. It holds no secret and lets nobody in.
people-how-ask = The person opens hizo, chooses “Join”, and sends you a request.
people-how-hear = Press “Let somebody in”, choose the request, call the person by a number that you knew before, and type the words you hear.
people-how-enter = Read out the words that appear then. With them the person enters.
people-propose = File for the second admin
people-propose-hint = Two admins sign this. Nothing changes until another one has looked at this file and signed it, with “hizo space agree”.
people-proposal-file = proposal
people-proposed = Another admin has to sign
opens-title = Who opens what
opens-lead = For each series, who may open it and which deposits. Whoever may open one may have kept a copy.
opens-who = Who, and which deposits
opens-which = { $name }: { $numbers }
admit-title = Let somebody in
admit-lead = Choose the request that the person has sent you.
admit-who = { $name } asks to come, with the computer “{ $machine }”.
admit-for = For { $organisation }.
admit-words-hint = In either language. If they differ, nobody is let in.
admit-history = Let this person open what was kept before, too
admit-no-rotation = Do not let the organisation change keys by itself
admit-known = This person was compared before and brings something new. No words are needed.
admit-act = Let { $name } in
admitted-title = { $name } is in
admitted-read = Stay on the telephone, and read these eight words to { $name }, who types them:
words-other = The same in Japanese:
person-words = The eight words by which this person enters, once more
person-reads = What this person can read
person-role = Another role
person-role-hint = The keys change with it. Whoever may not look any more opens nothing that is kept from then on.
person-role-act = Change the role
person-give = What was kept before
person-give-what = This person opens what was kept since he came. You can give him what was kept before, too; that cannot be taken back.
person-give-act = Let him open it
leave-act = Somebody leaves
leave-title = { $name } leaves
leave-lead = Read this first. Nothing happens before you press the button at the end.
leave-happens = What will happen
leave-keys = The keys change at that moment. Nothing that is kept from then on can be opened by this person.
leave-machines = His computers keep nothing more, and open nothing.
leave-told = The other members see that he was removed, when, and the reason that you give.
leave-stays = What cannot be undone
leave-copies = What he has opened he may have copied. Nobody can take that back from here: ask for it, and have it confirmed in writing.
leave-no-undo = To come back he has to be invited and compared again.
leave-other-keys = If he held key cards, make new ones; if he knew somebody's passphrase, change that too.
leave-what = What is removed
leave-all = { $name }, with all computers
leave-machine = only the computer “{ $name }”
leave-reason = Why (not needed)
leave-reason-hint = The other members can read it.
leave-at = When (empty: at once)
leave-at-hint = By this computer's clock. Nobody hears of it before. When the time has come it stands on this page, and needs you to press a button.
leave-sure = I have read what cannot be undone
leave-do = Remove
leave-done = Done
prepared-title = Prepared
prepared-what = Nobody else knows of this. It is done when you press the button after its time.
prepared-row = { $name }: { $time }
prepared-due = due
prepared-withdraw = Withdraw
prepared-do = Do what is due now
join-title = Join a safe of others
join-lead = Choose the invite that somebody has sent you.
join-else = For another computer of your own, or for your organisation, use “hizo space join”.
join-file = request
ask-lead = This makes your keys on this computer, and a request to send back.
ask-name = Your name, as the others call you
ask-machine = What you call this computer
ask-to = File for the request
ask-to-hint = Send it to whoever invited you. It holds no secret.
ask-act = Write the request
asked-title = Your request
asked-written = It lies in { $file }. Send it to whoever invited you.
asked-read = When that person calls you, read out these ten words:
asked-next = I was let in
enter-title = Enter the safe
enter-lead = Once you were let in, eight words are read to you on the telephone.
enter-words = The eight words that you hear
enter-words-hint = In either language. They show that it is the right safe.
enter-act = Enter
enter-again = The ten words once more
enter-again-passphrase = Passphrase, to see your own words
enter-again-act = Show them
enter-keep = Keep copies of the file identity.age and of the invite elsewhere: with both and the passphrase you come back when this computer is gone.

## Something is wrong, and cases
door-wrong = Something is wrong
door-cases = Advice
wrong-title = Something is wrong
wrong-lead = Nothing is decided here. First keep what can be lost, then ask.
wrong-what = What do you see?
wrong-next = What now?
wrong-do-not = Do not do this now
wrong-keep = Keep this, before it is gone
wrong-days = its traces usually last { $count ->
    [one] a day
   *[other] { $count } days
}
wrong-ask = Ask for help
wrong-begin-what = This begins a case: a place that you share with those whom you invite to it, and nobody else. What is in your safe stays there.
wrong-call = What the case is called
wrong-call-hint = In neutral words: no secret, nobody's name.
wrong-urgent = Somebody has to act today
wrong-begin = Begin the case
wrong-no-keeper = Your safe is kept on this computer alone, where nobody else can reach a case. So the case is kept elsewhere, sealed: by a keeper that you and the centre can both reach.
wrong-keeper = Address of that keeper
wrong-keeper-hint = Call the centre: it tells you the address. Whoever keeps the case there can read nothing of it.
wrong-direct = You may also go to the police straight away (110, or the desk of your prefecture), or to a centre by telephone.
cases-lead = { $count ->
    [one] One case.
   *[other] { $count } cases.
} What you ask others, and they ask you. What is due first stands first.
cases-looking = { $count ->
    [one] One more is being looked at. This page shows it by itself.
   *[other] { $count } more are being looked at. This page shows them by itself.
}
cases-asked-says = Once you were let in you are called, and type the eight words there.
cases-safe = a safe
cases-safe-says = You have joined it here, and it is no case.
cases-closed = What it is was said before you came. Ask its admin to let you open that.
cases-older = There are many, so not all are looked at anew each time. What has happened in the last minutes may not stand here yet: load this page again a little later.
cases-empty-title = There is no case
cases-empty = When something is wrong, or you want advice, a case begins with one question. Nothing is sent to anybody before you say so.
case = Case
case-this = This case
case-kind = About
case-due = By when
case-no-clock = no term
case-you = you: { $who }
case-invite = Save the invite
case-states = Take it further, or end it
case-holder = Who acts
case-since = Since
case-next = Next: { $state }
case-next-needs = { $state }: once there is a hand-over on which it rests (“Consents”).
case-reason-choose = Choose a reason
case-end = End it ({ $state }) …
case-end-says = After this nothing moves any more. What was said stays, and may still be added to.
case-end-sure = I want to end it; it cannot be taken back.
case-untold = nobody was told yet
case-untold-says = Nobody has been told of this yet. Save the invite and bring it to the centre, or ring them and read out what they ask for. From the moment somebody there is let in, their time runs.
machine-any = At any time
machine-on = While the machine is switched on
machine-off = While it is switched off
machine-encrypting = While files are just being encrypted
case-reason = Reason for “{ $state }”
case-go = Go on
next-title = What comes next
case-stands = Where it stands
case-no-story = Nothing yet.
next-tell = Write down what happened
next-tell-says = A few lines are enough. Everything that is written here can be read by those who are in this case, and by nobody else.
next-invite = Bring the invite to those who help
next-give = Give the case to the company
next-keep = Keep this before it is gone: { $source } ({ $time })
next-keep-says = What is gone cannot be shown later. Put it where nobody changes it, and say here that it is kept.
next-keep-go = To what may be lost
next-lay = Lay into this case what others shall see
next-lay-says = What you have found in the company: a list, a record, a summary. Only what lies here can be handed over, and only once you have consented.
next-lay-go = To the evidence
next-consent = Look at what would be handed over, and decide
next-consent-says = You see it as the receiver will see it. Without your signature nothing goes; saying no is a normal end.
next-consent-go = To the consents
next-seal = Seal what goes to { $receiver }
next-seal-says = The company has consented. It is sealed for this receiver alone, and the company sees that it is the same.
next-seal-go = Go on there
next-answer = Wait for the answer of { $receiver }
next-answer-says = Whether it has come is seen there; with it the case goes on.
next-answer-go = Look for the answer
next-late = No answer from { $receiver } for 24 hours: call
next-late-says = Nothing is delivered yet. Call a number that you knew before, and ask whether the invite, the request and the eight words have come. If nobody answers, call whoever stands above them, or go to another office. What cannot wait does not wait for this: the police, 110.
next-task-says = This is on your list. Say when it is done.
next-advise = Advise the company
next-advise-says = It reads this in its case. Thirty days without a word end the advice.
next-move = Take the case to where it stands now
next-move-says = Choose why; it is signed with what you have seen. The clock of whoever acts then begins.
next-sum = Sum up, and end the case
next-sum-says = Print what the company needs to keep, and end it when everything is done.
next-wait = Now it is up to: { $who }
next-wait-says = You need not do anything until then. Whatever else you learn can be written down below.
next-over = The case was closed on { $time }
next-over-says = What was said stays readable, and may still be added to.
folded-says = { $count }, the last one { $time }
folded-none = none yet
folded-older = Earlier ones
keeping-says = { $count } open; the first may be gone by { $time }
keeping-settled = all settled
visits-next = the next one on { $day }
matrix-says = { $count } of { $all } are missing
papers-count = { $count ->
    [one] 1 paper
   *[other] { $count } papers
}
task-by = by { $day }
course-title = How it came here, and how long it is kept
course-step = { $from } → { $to }
hold-title = How long it is kept
hold-since = Kept until somebody ends that, since { $time }
hold-until = Kept until { $time }
hold-usual = After its end it is kept for the usual time (a year; five years after a hand-over; 90 days if it was turned away).
hold-note = Why
hold-on = Keep it longer
hold-off = Keep it for the usual time only
hold-says = For a court, a damage claim, a question that is still open. Everybody in the case sees who said so.
source-clock = Put right until when
source-since = Its time runs from
source-days = days it lives with you
source-clock-act = Put it right
clock-says = All times are those of Japan.
case-out-of-hours = Centres are usually closed now. They open on { $time }. What cannot wait: the police, 110, or their desk in your prefecture.
begin-called = Your name
begin-called-hint = As the others of the company will see it. It can be left empty.
people-founder = who began this safe
people-first-machine = the first computer
consent-by-hand = A receiver who is not in the directory
consent-no-directory = No directory of organisations is installed here, so a receiver is named by hand, with the key that he reads out.
cases-asked-row = A case that you asked to join on { $time }
hour-title = The first hour
hour-says = { $done } of { $all } done
hour-open = open
hour-kept = Keep the first folder
hour-kept-why = One product, one recipe, one list is enough to begin with.
hour-cards = Make the key cards, and try them
hour-cards-why = If the passphrase is lost, nothing else opens the safe.
hour-again = Have a folder kept by itself
hour-again-why = So that nobody has to remember it.
hour-time = A proof of time by somebody independent
hour-time-why = Until then the keeper says itself since when it has it. Whoever runs the keeper names who confirms that.
hour-people = Invite a second person
hour-people-why = So that the safe does not depend on one person.
hour-people-alone = This safe is kept on this computer alone. To share one, set it up at a keeper that all of you reach.
hour-emergency = Print the emergency card
hour-emergency-why = What to do when something happened. It is made with the key cards, and holds no secret.
terms-title = What these words mean
terms-series = One secret’s life. Each time the same folder is kept, deposit 1, 2, 3 and so on comes to it, and the earlier ones stay as they were.
terms-self = It is recorded, and the keeper itself says when. That convinces whoever trusts the keeper.
terms-proved = Somebody independent of you and of the keeper has confirmed the time. Only then the red seal is drawn.
office-alone = no deputy
office-deputies = Deputies
office-deputies-says = A case waits when its only counsellor is away. A colleague deputises once he asks to join the same case for this organisation, you sign his request here, and the company lets him in; he then reads and answers there as the first one does.
office-deputies-go = Sign a colleague’s request
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
case-task-due = by
visits-title = Visits
visit-add = Plan a visit
visit-on = On which day
visit-place = Where
visit-note = What for
visit-act = Plan it
visit-made = It was made
searched-title = Searches for what is public
searched-add = Write down a search
searched-on = On which day
searched-place = Where was looked (patents, catalogues, the web)
searched-found = What came of it
searched-nothing = Nothing of it is public
searched-something = Something of it is public
searched-note = What else there is to say
sorted-title = Put right what it is about
sorted-act = Put it right
source-where = Where it lies
source-where-else = kept elsewhere
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
papers-title = On paper
papers-what = Each says what stands in the case now, in Japanese and English, with lines for a hand and a box for the seal. The plain consent form is blank.
paper-of = { $paper } for { $receiver }

## Whom to ask
whom-title = Whom to ask
whom-lead = Who does what, and where you may go by yourself. Nobody hears of it that you look.
whom-sample = Sample
whom-sample-says = No directory is installed here. These bodies are made up, to show who there is; do not look for them.
whom-until = This directory is good until { $time }.
whom-fetch = Fetch the next one
whom-over = This directory was good until { $time }. Install the next one before you rely on it.
whom-area = Prefecture
whom-nationwide = for the whole country
whom-show = Show
whom-direct = you may go there directly
whom-centre = Consultation centre
whom-centre-does = Listens, advises on how secrets are managed, and notices a leak. It sees what you show it. With your consent it passes a case on.
whom-police = Police
whom-police-does = Trade secrets: somebody took them along or gave them away. Economic security: somebody from outside asks, invites or breaks in. They take up the facts, and visit and brief companies.
whom-rescue = Rescue team
whom-rescue-does = Says whether an attack happened, finds the damage and the cause, and advises what to do.
whom-office = Specialists
whom-office-does = Check what a centre passes on, so that no more than needed goes to the police or the rescue team. You meet them through your centre.
whom-other = Others
whom-other-does = Others that the directory names.
whom-none = The directory names nobody here.
whom-begin = How it goes on
whom-begin-says = Call one of them, or look at its page: it tells you at which address it is reached. Then begin the case here, save the invite that stands on its page, and send it to the centre; whoever answers reads ten words to you on the telephone.
whom-emergency = In an emergency: 110.

## Consents
consent-title = Consents and hand-overs
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
consent-sought-hint = Each is looked for in every width and kana, with and without ㈱, and in both calendars. A name in kanji and its reading in kana are two lines.
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
door-received = Received
beside-back = Back to what this belongs to
case-evidence = Evidence
case-rests = On which hand-over { $state } rests
case-rests-choose = Which hand-over?
handed-title = The hand-over to { $receiver }
handed-back = Back to the hand-over
handed-far = How far it has come
handed-inside = What lies there
step-done = done
step-open = not yet
step-consented = The company’s consent
step-sealed = Items sealed for the receiver
step-entered = The company is there, and sees who opens what
step-handed = The receiver is let in
step-opened = The receiver opens
step-answered = The receiver’s answer
handed-make = Seal the items for the receiver
handed-make-says = Exactly what the company has signed is sealed anew, in a safe of its own. Nobody is let in by that. If you have done it before, what is missing is added.
handed-make-act = Seal the items
handed-invite = Send the invite
handed-invite-says = Send this one file to the receiver and to the company. It holds no secret: whoever has it can ask, and is let in by nobody but you.
handed-invite-act = Save the invite
handed-request = Let the receiver in
handed-request-says = The receiver sends you a request. Once every item is there, you let him in, and leave.
handed-request-act = Choose the request
handed-admit-title = Let the receiver in
handed-admit-lead = Where is the request that the receiver has sent?
handed-enter-title = Enter the hand-over
handed-enter-lead = Choose the invite that the counsellor has sent you. You see then who opens what, and seal what the counsellor cannot open.
handed-enter-act = Choose the invite
handed-entered = You have entered. What was made of the items was compared with what you keep: it is the same.
handed-look = Has he answered?
handed-look-says = This looks into the hand-over, compares what lies there with what you keep, and brings the answer into the case.
handed-look-act = Look for the answer
handed-no-news = There is no new answer. Nothing counts as delivered before it comes; if it is urgent, telephone.
handed-left = What you could do here is done. The answer comes into the case by the company.
handed-only-look = You see here how far it has come.
handed-who = The request is by { $name }, for { $receiver }.
handed-key-holds = The key in it is the one that the company has signed. No words are compared.
handed-opens = From now on the receiver can open every item. The company sees when he does.
handed-you-leave = You leave the hand-over by the same act, and see nothing that is added there.
handed-you-stay = You stay as a reader, since the company wants that.
handed-no-way-back = It cannot be undone. The company can take its consent back as long as he has not accepted.
handed-act = Hand over to { $receiver }
handed-words-title = On its way to { $receiver }
handed-read = Call { $receiver }, by a number that you knew before, and read out these eight words:
handed-not-delivered = It is not delivered before the receiver answers. If nothing has come within 24 hours, call again.
received-lead = What companies have consented to show you, each item as it was signed.
received-new = Receive something
received-empty-title = Nothing was handed over to you yet
received-empty = Whoever hands something over sends you an invite, a small file. With it you ask to be let in.
received-from = From
received-asked = asked on { $time }
received-next-answer = Look at what was handed over, and answer
received-next-answer-says = Until you answer, nothing has arrived for the company, and it may take its consent back.
received-next-answer-go = To the answer
received-next-find = Say what you have found
received-next-find-says = You have accepted it. What you find goes back to the company by the form on this page.
received-next-find-go = To the form
received-next-none = You have answered. Nothing else is asked of you here.
received-of = { $company }, { $time }
received-untold = Hand-over by a company whose name is not told, { $time }
received-asked-row = Asked for, not let in yet
received-waits = waiting
received-unopened = not opened
received-unanswered = opened, to be answered
received-key = The keys by which companies name you
received-key-says = A company signs a consent to one of these. Where you stand in a directory, it is there already; else let it be compared by another way than it came.
received-key-own = You yourself
received-invite-lead = Where is the invite that was sent to you?
received-ask-lead = This writes a request, which you send to whoever sent the invite. Nothing is opened by it.
received-for = For { $organisation }, whose people can open it
received-for-it = For the organisation whose safe this is
received-passphrase = Passphrase, to sign for the organisation
received-passphrase-hint = The organisation’s key is on this computer. Only needed where you receive for it.
received-to-hint = Send it to whoever sent you the invite. It holds no secret.
received-written = It lies in { $file }.
received-undelegated = Give it first to whoever holds your organisation’s key, who lets you act for it on the page “Organisation”. Send on what comes of it.
received-read = If whoever lets you in asks for ten words, read out these:
received-then = Send it to whoever sent the invite. When everything is sealed you are called, and eight words are read to you.
received-enter = Enter the hand-over
received-enter-lead = Once you were let in, eight words are read to you on the telephone.
received-words-hint = In either language. They show that it is the hand-over which the caller has made.
received-open = Open it
received-open-says = The company’s consent is checked first. Then it is noted that you open, and the company sees that. Nothing is shown before.
received-open-act = Check and open
received-items = What was handed over
received-answer = Answer
received-answer-says = Until you answer, nothing counts as delivered, whatever the sender says.
received-verdict = Your answer
received-accepted = Accepted: you take it over, under a number of yours
received-insufficient = Insufficient: you need more, and say what
received-rejected = Not accepted, and you say why
received-reference = Your number for it, if you accept
received-reason = What is missing, or why not
received-answer-act = Sign the answer
received-answer-once = It is signed by you, and given once.
finding-title = Say what you have found
finding-says = It is kept here as a page of text, signed and dated like everything that is kept, and the company can open it. The company carries into the case what it follows from it; nobody else sees it unless the company consents.
finding-verdict = What you came to
finding-attack = It was an attack
finding-no-attack = It was no attack
finding-undetermined = It cannot be determined
finding-not-eligible = It is not for us
finding-damage-report = We have accepted a damage report
finding-complaint = We have accepted a complaint
finding-returned = We return it
finding-other = Something else
finding-seen = What was seen
finding-damage = What damage there is
finding-cause = What the cause is
finding-advice = What the company should do now
finding-act = Sign it and keep it here
finding-stays = It stays as it is; say more in another one.
finding-series = Finding
finding-of = Findings of { $receiver }
finding-take = Add to what is to be done
finding-taken = to be done
received-own = What you send back
received-own-says = A finding, a report: what you keep here, the company can open. Nobody else can, unless it consents.
received-own-act = Keep something here
joining-case = Join a case
joining-enter = Enter the case
caller-title = Open a case for a caller
caller-lead = You type what you hear. The case is yours until the company has its own keys; then you give it to the company, with all that was said, and go on as its counsellor.
caller-way = How it came
way-phone = by telephone
way-visit = on a visit
way-paper = on paper
way-anonymous = from somebody who does not say who he is
caller-kind = What it is about
caller-called = What the case is called
caller-called-hint = In neutral words: no secret, and nobody’s name.
caller-tongue = Language of whoever asks
caller-urgent = It cannot wait until tomorrow
caller-act = Open the case
give-title = Give it to the company
give-lead = The company becomes the admin of its case. You go on as its counsellor.
give-note = You have opened this case for somebody. Until the company has it, nobody can consent to anything in it: send it the invite, and give it the case with the request that comes back.
give-choose = Where is the request that the company has sent?
give-who = The request is by { $name }.
give-words = Call the company, by a number that you knew before, and type the ten words that you hear
give-admin = The company decides from then on who is in the case.
give-reads = It reads everything that you have written there.
give-stay = You stay, read and write on, and are no admin any more. That cannot be undone by you.
give-act = Give the case to { $name }
given-title = The case is the company’s
case-teller = For whom you type (a role will do: owner, head of sales)
case-teller-hint = Leave it empty for what you say yourself. Never name who is suspected.
office-title = Organisation
office-what = For a centre, an office, a team: one key of the organisation, by which it says who of its people acts for it in other safes.
office-go = Organisation
office-lead = People compare its ten words once. Who acts for it in which case, it says itself.
office-words = Its ten words
office-words-says = They are no secret. Print them where everybody finds them: on letterheads, on the web page, on the card on the desk.
office-key = Its key:
office-acting = Who acts for it, and where
office-nobody = Nobody yet. Whoever shall act for it reads this safe, asks to join a case, and gives you the request.
office-where = In safe
office-until = Until
office-no-key = The organisation’s key is not on this computer. Whoever holds it delegates and takes back.
office-staff = When somebody leaves: remove him from this safe. The same act takes back what was delegated to him.
office-make-lead = This makes the organisation’s key in this safe, sealed with your passphrase, and a card by which others know it.
office-name-ja = What it is called in Japanese
office-name = In other languages, if that differs
office-passphrase = Your passphrase
office-make = Make the key
office-make-says = Keep copies of organisation.age and organisation.card elsewhere: whoever has both and the passphrase speaks for the organisation.
office-delegate = Let somebody act for it
office-delegate-lead = Choose the request by which one of your people asks to join a case or to receive something.
office-delegate-who = { $name } asks to act for the organisation in safe { $space }. He reads and writes there; nothing else comes of it.
office-days = For how many days
office-to = File to write
office-to-hint = Give it back to him, who sends it to the admin of that safe. It holds no secret.
office-delegate-act = Let { $name } act for it
office-delegated = Delegated
office-delegated-next = Give it back to the person who asked, who sends it to the admin of that safe.
office-delegated-file = delegated request
office-revoke = Take it back
office-revoke-says = { $name } acts no more for the organisation there, as soon as a member of that safe has brought the file there. What he has read, he has read.
office-revoke-to = File to write, for a member of that safe
office-revoked = Taken back
office-revoked-next = It holds once a member of that safe has brought it in there, on the page “People”.
office-revoked-file = taken back
office-left = Has somebody left?
office-left-says = Whoever was removed from this safe by another admin still opens what others keep for the organisation, until they have new keys. This takes back what was delegated to people who have left, and makes new keys wherever the organisation reads and this computer takes part.
office-rotate = Make new keys
office-rotated = { $count ->
    [one] { $count } safe has new keys.
   *[other] { $count } safes have new keys.
}
take-back-title = Somebody acts no more for an organisation
take-back-lead = An organisation that takes a delegation back sends a file. Bring it in here: from then on, nobody accepts what that person adds.
take-back-go = Bring the file in
take-back-says = { $organisation } says that { $name } acts for it here no more.
take-back-act = Take it down
take-back-done = Taken down
paper-title = Hand over on paper
paper-lead = For police, a court, a partner without hizo: the files themselves on a disk, and a list of them that both sign. The receiver checks the disk with what every computer has.
paper-laid = It lies in { $folder }, not sealed. Print handed-over.pdf twice, and have both signed. Whoever has the folder reads it.
paper-taken = Taken on paper
paper-says = as { $name } says; no signature of the receiver
paper-print = Lay it out
paper-to = New folder, on the disk that you hand over
paper-to-hint = Whoever has the disk reads what is on it. Nothing is overwritten.
paper-print-act = Lay it out
paper-was-taken = It was taken
paper-number = The receiver’s number for it
paper-number-hint = It stands in the case as your word, and ends nothing by itself.
paper-taken-act = Write it down
paper-folder = handed over
paper-newer = Newer deposits
paper-earlier = Earlier deposits
paper-pages = What you have chosen stays chosen, and stands first on the other pages.
attest-title = A consent on a printed form
attest-lead = When the company cannot sign, on the day its computers are encrypted: two of you read the form, each by himself, and each writes down the same here. One of you has called the company back.
attest-form = The scan of the form, which was kept in this case
attest-with = Who reads it with you
attest-level-a = A: how it was done, and nothing else
attest-level-b = B: what happened, without the name of the company
attest-called = Who was called back, and how
attest-called-hint = By a number that you knew before, not the one on the form.
attest-until-hint = { $day } at the latest.
attest-over = it is over
attest-act = I have read this on the form
attest-one = one of two has read it
attest-both = both have read it
attest-limits = It is the word of two of the staff, no signature of the company. Nothing is handed over by it alone.
handed-missing = You have entered. Some items can be opened neither by the counsellor nor by you: nobody is let in before they are there. Consent again without them.
suspect-title = Whom do you suspect?
suspect-says = In the case you write a role alone, so that the counsellor does not learn the name. If { $receiver } is to know it, name the person here: it is sealed to { $receiver } and to you, and stands nowhere else. It cannot be taken back.
suspect-name = Name of the person
suspect-note = What else tells who it is
suspect-note-hint = What you call the person in the case, the date of birth, the new employer.
suspect-act = Tell the name
suspect-told = Named to { $receiver }
suspect-answer = The counsellor reads this, too: do not write the name that the company told you.
suspect-unpromised = The name is told. The keeper has not promised yet to log that; open this page again later.
suspect-named = Suspected by the company
suspect-named-says = A suspicion is no finding. Nobody else in the case was told this name.
handed-withdraw = Tell it there, too
handed-withdraw-says = You have taken your consent back in the case, and the receiver’s program does not know yet.
handed-withdraw-act = Say it in the hand-over
received-some = A hand-over, not opened
joining-may-change = You have asked before. For whom you come may still be changed, until you have been let in: whoever lets you in then needs the new request.
joining-asked-for = You have asked for { $organisation }, whose people will be able to open it too.
joining-asked-self = You have asked for yourself.
joining-asked-says = Until you have been let in, you can ask otherwise: for yourself or for your organisation.
joining-otherwise = Write the request anew
joining-forget = Let the request go
joining-forget-says = The keys for it are removed, and nothing leads here any more. For an invite that was not meant for you, or not for this page.
joining-there = You are there already
joining-there-for = You came in for { $organisation }. Its people can open what is there, too.
joining-there-stays-for = That stays so: where you act for an organisation, you never act for yourself. To be there for yourself, ask with another safe of your own.
joining-there-self = You came in for yourself. Nobody of an organisation can open anything because of it.
joining-there-stays-self = That stays so. For your organisation, let a colleague ask with an invite of his own, and choose the organisation there.
joining-there-go = Go there
joining-then = Send it to whoever sent the invite. When you have been let in you are called, and eight words are read to you.

## Two sides
sides-title = Compare the sides
sides-lead = Your organisation helps only one side of a dispute. Names are compared with those of its other cases; what is kept of them says nobody's name.
sides-asks = Who asks: a name a line
sides-against = Against whom, as far as it is known: a name a line
sides-hint = Companies and people, by their whole names. How they are written does not matter.
sides-act = Compare
sides-unknown = Before you hear more: has your organisation already helped the other side?
sides-blocked = Your organisation cannot act in this case.
sides-blocked-says = Say this to whoever asks, and nothing of why. Name another centre, and bring the case to its end here. Nothing else can be written in it.

## Things in custody
things-title = Things
things-what = A laptop, a disk: what is no file goes from hand to hand too. Seal it, put its tag on it, and write down each time who has it.
thing-add = Put a thing into custody
thing-next = It goes to somebody else
thing-what = What it is, with its own number
thing-holder = Who has it from now on, by a role or a body
thing-place = Where it lies, and in what state
thing-witness = Who saw that
thing-act = Write it down
thing-tags = Print the tags
