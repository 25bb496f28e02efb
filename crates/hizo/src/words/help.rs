//! Help texts in Japanese, by the English ones that stand beside the arguments.
//!
//! A test walks every command: a help line without Japanese, or Japanese that no help line uses, fails.

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, Command};

use super::{Language, Words, words};

/// What `hizo --help` says below its commands, so that all of it fits a screen of 24 lines.
const OPTIONS: &str = "\
Options of every command: --json, -q (the result only), -h, -V (version),
      --home DIR [env: HIZO_HOME], --keeper URL [env: HIZO_KEEPER], and
      --passphrase-file FILE (or --passphrase-fd N)
More: desk case send space move consent hand-over office directory recovery
      log keeper witness man completions";

const OPTIONS_JAPANESE: &str = "\
どのコマンドでも使えるオプション: --json、-q（結果だけ）、-h、-V、
      --home DIR [env: HIZO_HOME]、--keeper URL [env: HIZO_KEEPER]、
      --passphrase-file FILE（パスフレーズ。または --passphrase-fd N）
他に: desk case send space move consent hand-over office directory recovery
      log keeper witness man completions";

/// English help, Japanese help.
const HELP: &[(&str, &str)] = &[
    // The program.
    (
        "Keep a company's secrets sealed, and prove later what was held and since when",
        "会社の秘密に封をして保管し、何をいつから持っていたかを後から証明します",
    ),
    ("The folder of this machine's safe", "このコンピューターの金庫のフォルダー"),
    (
        "Where the keeper is, https://…; else where it was when the safe was set up",
        "預け先のアドレス（https://…）。指定しなければ、金庫を作ったときのもの",
    ),
    ("A file whose first line is the passphrase", "パスフレーズを1行目に書いたファイル"),
    (
        "An open file descriptor whose first line is the passphrase",
        "パスフレーズを1行目から読み取るファイル記述子の番号",
    ),
    ("Print the result as JSON", "結果を JSON で出力します"),
    ("Print the result only", "結果だけを出力します"),
    ("Print help", "使い方を表示します"),
    ("Print version", "バージョンを表示します"),
    // init
    ("Set up a safe on this machine", "このコンピューターに金庫を作ります"),
    (
        "What the safe is called; only those who can open it see the name",
        "金庫の名前。金庫を開けられる人だけに見えます",
    ),
    ("The key of the keeper's log, as whoever runs it publishes it", "預け先の台帳の鍵。預け先が公表しているものです"),
    (
        "Root certificates, as PEM, one of which the keeper's must be by; without them, those that browsers trust",
        "預け先の証明書を発行したルート証明書（PEM）。指定しなければ、ブラウザーが信頼しているもの",
    ),
    ("A file with the code that lets a safe begin at this keeper", "この預け先を使い始めるための番号が入ったファイル"),
    // case
    (
        "Ask for help and give it: begin a case, say what happened, advise, and see how far it has come",
        "相談する側と受ける側の記録です。相談を始め、起きたことを書き、助言し、進み具合を確かめます",
    ),
    (
        "Begin a case: a safe that you share with whoever helps, and an invite to it",
        "相談を始めます。助けてくれる相手と共有する金庫を作り、招待状を書きます",
    ),
    ("What it is about", "どのような相談か"),
    (
        "What the case is called, in neutral words: no secret, nobody's name",
        "相談の名前。秘密や人の名前を含まない言葉で付けます",
    ),
    ("How soon somebody has to act", "急ぎかどうか"),
    (
        "How it came: all but company is typed by a counsellor for somebody, and given to the company later",
        "どのように来た相談か。company 以外は、相談員が相手に代わって書き、後で会社に渡します",
    ),
    ("The language of whoever asks, as ja or en", "相談する人の言語（ja、en など）"),
    (
        "The invite to write: for the centre, or for the company that you type for",
        "書き出す招待状。窓口に、または代わりに書いている相手の会社に渡します",
    ),
    (
        "Give a case that you opened for somebody to the company: it becomes the admin, and you go on as its counsellor",
        "相手のために始めた相談を会社に渡します。会社が管理者になり、あなたは相談員として残ります",
    ),
    ("The company's request", "会社の参加願"),
    ("The ten words that the company reads out to you", "会社が読み上げる10語"),
    ("List cases, what is due first", "相談の一覧を、期限の近い順に表示します"),
    (
        "Homes of cases; without any, those in which you act for the organisation whose own safe this is the home of, or this one",
        "相談のフォルダー。省くと、この機関の人として加わっている相談すべて、またはこの相談",
    ),
    (
        "Show a case: its states and clocks, what was said and done, and what may follow",
        "相談の段階と期限、これまでの記録、次に進める段階を表示します",
    ),
    (
        "Say what happened, in your words or in those of whom you type for",
        "起きたことを書きます。自分の言葉でも、代わりに書く相手の言葉でもかまいません",
    ),
    (
        "The text; on a machine that others use, write it in a file",
        "文章。ほかの人も使うコンピューターでは、ファイルに書いてください",
    ),
    ("A file that holds the text", "文章の入ったファイル"),
    ("When it happened: a day, or a time in universal time", "いつ起きたか。日付、または世界協定時の時刻"),
    ("When it was written down, if that was not now", "いつ書きとめたか。今でなければ指定します"),
    ("For whom you type", "誰の話を書いているか"),
    ("Take a case to its next state", "相談を次の段階に進めます"),
    ("The state that follows", "次の段階"),
    ("Why: a word that `hizo case show` lists beside the state", "理由。`hizo case show` が段階の横に示す言葉です"),
    ("Why, in your words", "理由を自分の言葉で書いたもの"),
    ("The state that is left, where several hold", "どの段階から進むか。複数の段階にあるときに指定します"),
    ("The hand-over on which it rests: its first digits", "もとになる引き渡し。先頭の数桁で指定します"),
    ("What the case has turned out to be", "どのような相談だと分かったか"),
    ("How soon somebody has to act, as it has turned out", "急ぎだと分かったかどうか"),
    ("Write an advice note", "助言を書きます"),
    ("Plan a visit, or say that it was made", "訪問の予定を入れます。または済みにします"),
    ("A visit that was planned: the first digits of its id", "予定した訪問。IDの先頭の数桁で指定します"),
    ("When: a day, or a time in universal time", "いつ。日付、または世界協定時の時刻"),
    ("Where", "どこで"),
    ("What for, or what came of it", "目的、または結果"),
    ("It was made", "済んだことを示します"),
    ("Ask for something to be done, or say that it was", "やることを頼みます。または済みにします"),
    ("What is to be done", "やってほしいこと"),
    ("By whom", "誰がやるか"),
    ("Until when", "いつまで"),
    ("A task that was done: the first digits of its id", "済んだやること。IDの先頭の数桁で指定します"),
    ("Have a case kept longer than its time, or no longer", "期間が過ぎても相談を残します。またはそれを解除します"),
    ("From now on, or no longer", "残すか、解除するか"),
    ("Why", "理由を指定します"),
    (
        "Say what of the evidence may be lost and until when, what not to do, and what was kept",
        "消えるおそれのある証拠とその時期、してはいけないこと、保全したものを表示・記録します",
    ),
    ("A source of evidence, as the list without it names them", "証拠のある場所。何も指定せずに実行すると一覧が出ます"),
    ("How it stands", "いまの状態を指定します"),
    ("From when on its time runs", "いつから数えるか"),
    ("How many days it lives at your company", "この会社では何日で消えるか"),
    (
        "The deposit of this case in which it is kept, as in `hizo restore`",
        "この相談のどの預け入れに保全したか。`hizo restore` と同じ書き方です",
    ),
    ("Whatever else there is to say", "ほかに書いておくこと"),
    (
        "How the machine is that matters: what not to do depends on it",
        "問題の機器の状態。してはいけないことが変わります",
    ),
    ("It is switched on", "電源が入っています"),
    ("It is switched off", "電源が切れています"),
    ("It is just being encrypted", "いま暗号化されているところです"),
    ("Note that somebody looked whether the secret is public", "秘密が公になっていないか調べたことを記録します"),
    ("When somebody looked: a day", "いつ調べたか。日付で指定します"),
    ("Where: patents, papers, catalogues", "どこを調べたか。特許、論文、カタログなど"),
    ("What came of it", "結果がどうだったか"),
    (
        "Show what you would have to prove, what this case knows of it, and the gaps",
        "証明が必要になること、この相談で分かっていること、足りないことを表示します",
    ),
    ("End a case", "相談を終えます"),
    // move
    (
        "Move the safe to another keeper, with its whole history; or follow it there",
        "金庫を、履歴ごと別の預け先に移します。または、移った先に切り替えます",
    ),
    ("Where the new keeper is, https://…", "新しい預け先のアドレス（https://…）"),
    ("Move it into a folder of this machine", "このコンピューターのフォルダーに移します"),
    (
        "Go after a safe that an admin has moved; without an invite, the passphrase opens where to",
        "管理者が移した金庫の、新しい預け先に切り替えます。招待状がなければ、パスフレーズで移転先を開きます",
    ),
    (
        "Go on although the keeper so far withholds something, or is gone",
        "前の預け先が出さないものがあっても、なくなっていても、移します",
    ),
    // deposit
    (
        "Seal files and folders and keep them as the next deposit of a series",
        "ファイルやフォルダーに封をして、束の次の1回分として預けます",
    ),
    ("Folders and files to keep", "預けるフォルダーやファイル"),
    ("The series this belongs to: one secret's life", "どの束に預けるか。束は、1つの秘密の積み重ねです"),
    ("A note on this deposit; may be given several times", "この預け入れに付けるメモ。何度でも指定できます"),
    (
        "Leave out what matches, written as in .gitignore; may be given several times",
        "預けないものを .gitignore の書き方で指定します。何度でも指定できます",
    ),
    ("Read every file again, even if nothing says that it changed", "変更がなさそうなファイルも、すべて読み直します"),
    ("Store content again even if the series has it already", "束にすでにある中身も、もう一度預けます"),
    (
        "Seal although an organisation that reads this safe has new keys: whoever has left it opens this deposit, too",
        "金庫を見られる機関の鍵が新しくなっていても預けます。この預け入れは、機関を離れた人にも見られます",
    ),
    (
        "How a new series is stored: core is neither compressed nor reused, so that sizes tell nothing",
        "新しい束の預け方。core は圧縮も使い回しもしないので、大きさから中身を推測されません",
    ),
    (
        "Seal contents apart from their list, so that proof --kept can hand them over; the keeper sees one more object",
        "中身と一覧を別々に封じ、あとで proof --kept で中身を渡せるようにします。預け先から見える部品が1つ増えます",
    ),
    ("Say what would be kept, and keep nothing", "何を預けるかを表示するだけで、預けません"),
    // list, show
    ("List series and their deposits", "束と預け入れの一覧を表示します"),
    ("Only this series", "この束だけを表示します"),
    ("Show what a deposit holds", "預け入れの中身を表示します"),
    (
        "The deposit's id or its first digits, latest:NAME, or NAME:NUMBER",
        "預け入れのID（先頭の数桁でも可）、latest:束の名前、または 束の名前:回",
    ),
    // send
    (
        "Send deposits that were sealed while the keeper could not be reached",
        "預け先につながらない間に封をしたものを送ります",
    ),
    ("Let so many bytes wait from now on, at most", "これから送信を待てる量の上限（バイト）"),
    ("Throw away what can no longer be sent", "もう送れなくなったものを捨てます"),
    // status
    (
        "Say how far deposits have come: kept, logged, witnessed, stamped",
        "預け入れの裏付けがどこまで進んだかを表示します",
    ),
    (
        "One deposit: its id or first digits, latest:NAME, or NAME:NUMBER; else the newest of each series",
        "預け入れ。ID（先頭の数桁でも可）、latest:束の名前、または 束の名前:回。省くと、各束の最新のもの",
    ),
    // restore
    (
        "Bring a deposit, or parts of it, back into a new folder",
        "預けたもの（またはその一部）を、新しいフォルダーに取り出します",
    ),
    (
        "What to restore, as `hizo show` writes it; everything if nothing is named",
        "取り出すもの。`hizo show` の表示どおりに書きます。省くとすべて取り出します",
    ),
    ("The folder to make; it must not be there yet, or be empty", "取り出し先のフォルダー。まだないか、空であること"),
    ("Restore set-user-id bits and security attributes too", "set-user-id ビットとセキュリティ属性も元に戻します"),
    (
        "Use what a restore to the same folder has left that was cut short: only the rest is fetched",
        "同じフォルダーへの取り出しが途中で切れたときに残ったものを使い、残りだけを取り寄せる",
    ),
    ("Say what would be restored, and write nothing", "何を取り出すかを表示するだけで、書き込みません"),
    // check
    (
        "Read everything kept again and say what does not hold",
        "預けたものをすべて読み直し、正しくないものがあれば知らせます",
    ),
    (
        "Open nothing: compare records and sealed objects with their hashes only",
        "封を開けずに、記録と部品のハッシュだけを確かめます",
    ),
    // diff
    ("Show what is different between two deposits", "2つの預け入れの違いを表示します"),
    (
        "The earlier deposit: its id or its first digits, latest:NAME, or NAME:NUMBER",
        "前の預け入れ。ID（先頭の数桁でも可）、latest:束の名前、または 束の名前:回",
    ),
    ("The later deposit", "後の預け入れ。書き方は同じです"),
    // proof
    (
        "Make a folder that proves to strangers what was held and since when",
        "何をいつから持っていたかを、第三者に示すフォルダーを作ります",
    ),
    (
        "The deposit: an id or its first digits, latest:NAME, or NAME:NUMBER",
        "預け入れ。ID（先頭の数桁でも可）、latest:束の名前、または 束の名前:回",
    ),
    (
        "Paths in the deposit, with everything below them; all of it if none is named",
        "示すもの。フォルダーなら、その下のものもすべて。省くと預け入れ全体です",
    ),
    (
        "What is shown of each: content, name and meta, or some of them",
        "それぞれについて何を示すか。content（中身）、name（名前）、meta（大きさや時刻）から選びます",
    ),
    (
        "Prove also that the deposit holds nothing else, without showing what the other entries are",
        "ほかに何件あるかも示します。ほかのものの中身や名前は示しません",
    ),
    (
        "A list of time-stamp authorities to ask, beside those of `hizo log authorities`",
        "`hizo log authorities` のほかに、タイムスタンプを求める時刻認証局の一覧",
    ),
    (
        "Hand over the packs in which the contents lie, with their keys; all in them can be read then",
        "中身の入った包みを、鍵ごと渡します。同じ包みにあるものは、すべて読まれます",
    ),
    (
        "Make a proof that is there good for longer: add the later stamps that renew its own",
        "すでにある証明に、あとのタイムスタンプを加えて、頼れる期間を延ばします",
    ),
    (
        "The folder to make, or a file ending in .zip; --refresh without it adds in place",
        "作るフォルダー。名前が .zip で終われば ZIP。--refresh で省くと元の証明に加えます",
    ),
    // log
    (
        "Name the time-stamp authorities that are asked; without a file, show them",
        "タイムスタンプを求める時刻認証局を登録します。ファイルを省くと、今の一覧を表示します",
    ),
    (
        "A list of time-stamp authorities; it takes the place of the one before",
        "時刻認証局の一覧。前の一覧と入れ替わります",
    ),
    (
        "Stamp the log anew when the certificates behind its stamps end within a year",
        "タイムスタンプの証明書が1年以内に期限を迎えるとき、新しく求めます",
    ),
    ("Stamp it now, also if nothing is due", "期限が近くなくても、今すぐ求めます"),
    // verify
    ("Check a proof against what you trust, offline and without a safe", "証明を確かめます。金庫も通信も要りません"),
    ("The proof: its folder, or its ZIP", "証明のフォルダー、または ZIP ファイル"),
    ("Files to compare with what the proof shows", "証明に示された中身と比べるファイル"),
    (
        "Whose logs and witnesses you trust; not from who sent the proof",
        "信頼する台帳と立会人の一覧。証明の送り主から受け取ったものは使えません",
    ),
    (
        "Root certificates, as PEM, of the authorities whose stamps you trust; not from who sent the proof",
        "信頼する時刻認証局のルート証明書（PEM）。証明の送り主から受け取ったものは使えません",
    ),
    (
        "Revocation lists of those authorities, as PEM, beside those in the proof",
        "証明に入っているもののほかに見る、時刻認証局の失効リスト（PEM）",
    ),
    (
        "The key under which the keeper signs receipts, to check that too",
        "預かる側が受領書に署名する鍵。受領書の署名も確かめます",
    ),
    // export
    (
        "Copy sealed deposits into a folder that stock tools can recover from",
        "封をしたままフォルダーに書き出します。hizo がなくても取り出せます",
    ),
    ("Write down what each series is called, for everybody to read", "束の名前を、誰でも読める形で添えます"),
    (
        "Put the identity file in too; whoever has the folder then needs the passphrase alone",
        "鍵のファイルも入れます。フォルダーを手にした人は、パスフレーズだけで開けられます",
    ),
    ("Leave out what is missing or damaged, and say so", "なくなったものや壊れたものは除いて書き出し、知らせます"),
    ("Say what would be exported, and write nothing", "何を書き出すかを表示するだけで、書き込みません"),
    // watch
    (
        "Deposit folders on schedule, and say when that did not happen",
        "フォルダーを定期的に自動で預け、抜けがあれば知らせます",
    ),
    ("Deposit a folder now, and from now on by itself", "フォルダーを今すぐ預け、これからも自動で預けます"),
    ("The folder to keep", "預けるフォルダー"),
    ("How often: a number and m, h, d or w", "間隔。数字に m（分）、h（時間）、d（日）、w（週）を付けます"),
    ("What runs it; by default what this system has", "自動で動かす仕組み。省くと、このシステムにあるものを使います"),
    ("Print what would be set up, and change nothing", "設定する内容を表示するだけで、変更しません"),
    ("Say whether every watched folder was deposited in time", "自動預け入れが、予定どおり行われたかを表示します"),
    ("Deposit a watched folder now", "自動預け入れのフォルダーを、今すぐ預けます"),
    ("The series: its name, or its id", "束の名前またはID"),
    (
        "Only if the interval has passed; this is what the timer runs",
        "前回から間隔が過ぎたときだけ預けます。タイマーはこれを実行します",
    ),
    ("Stop depositing a folder by itself; what is kept stays", "自動預け入れをやめます。預けたものは残ります"),
    ("Say what would be removed, and change nothing", "何をやめるかを表示するだけで、変更しません"),
    // log
    (
        "Show the keeper's log: its keys, its witnesses, and what they have cosigned",
        "預け先の台帳の鍵と、立会人の連署を表示します",
    ),
    (
        "Show whose cosignatures the keeper asks for, or set it",
        "どの立会人に連署を求めるかを表示します。または決めます",
    ),
    (
        "A policy as C2SP writes it: witnesses with their keys and addresses, and a quorum",
        "立会人の鍵とアドレス、何人の連署が要るかを C2SP の書き方で書いたファイル",
    ),
    (
        "Check the log and write it into a folder that others can read",
        "台帳を確かめて、ほかの人が読めるフォルダーに書き出します",
    ),
    // keeper
    (
        "Be a keeper that others reach over a network, until stopped",
        "ネットワーク越しに使われる預け先になります。止められるまで続けます",
    ),
    ("The keeper's folder; it is set up if there is none", "預け先のフォルダー。なければ作ります"),
    (
        "Address and port of this machine to listen at, for example 127.0.0.1:8443",
        "待ち受けるこの機械のアドレスとポート。例: 127.0.0.1:8443",
    ),
    ("Everything from a configuration file", "すべてを設定ファイルから読みます"),
    (
        "Read everything that is kept again, in both directories, and mend what is damaged from the other one",
        "両方のフォルダーの中身をすべて読み直し、壊れたものをもう一方から直します",
    ),
    (
        "Remove what was put long ago and no record names, in both directories",
        "ずっと前に預けられ、どの記録にも属さないものを、両方のフォルダーから除きます",
    ),
    ("The keeper's configuration file", "預け先の設定ファイルを指定します"),
    (
        "Only so many objects, drawn by chance, without opening anything: whether the keeper still has what it answered for",
        "くじで選んだ個数の部品だけを取り寄せ、開けずに照合して、預け先が今も持っているかを確かめます",
    ),
    ("Check a configuration file, and do nothing else", "設定ファイルを確かめるだけで、何も始めません"),
    // space
    (
        "Share a safe: invite people, join, see who is in, change what they may do, remove them",
        "金庫を複数の人で使います。招待・参加・メンバーの一覧・役割の変更・取り外し",
    ),
    (
        "Write an invite: which safe it is and where it is kept, for somebody who is to join it",
        "招待状を書きます。どの金庫で、どこに預けてあるかを、参加する人に伝えるものです",
    ),
    ("The file to write, to be sent to the person", "書き出すファイル。相手に送ります"),
    (
        "Join a safe: with an invite, write a request; once an admin has let you in, without one, finish",
        "金庫に参加します。招待状があれば参加願を書き、管理者に認められたら、招待状なしで実行して完了します",
    ),
    ("The invite that an admin sent", "管理者から届いた招待状"),
    ("What the others call you", "ほかのメンバーに見せる名前"),
    ("What you call this machine", "このコンピューターの呼び名"),
    (
        "The identity file of a safe you have joined on another machine: this one is added to it",
        "別のコンピューターですでに参加している場合、その鍵ファイル。このコンピューターが追加されます",
    ),
    (
        "The home of your organisation's own safe, where you are a member: you join for it, and what it reads you read",
        "あなたがメンバーになっている、機関自身の金庫のフォルダー。機関の人として加わり、機関の金庫を見られる人なら開けられます",
    ),
    ("The file to write the request to, to be sent back", "参加願を書き出すファイル。管理者に送り返します"),
    (
        "The eight words that the admin reads out to you; without them they are asked for",
        "管理者が読み上げる8語。指定しなければ尋ねます",
    ),
    (
        "Let in whoever sent a request, once you have heard the same words from that person",
        "参加願を送った人を、本人の声で同じ言葉を確かめたうえで加えます",
    ),
    ("The request", "参加願のファイル"),
    (
        "The ten words that the person reads out to you, or those of the organisation; without them they are asked for",
        "相手が読み上げる10語、または機関の10語。指定しなければ尋ねます",
    ),
    (
        "What the person may do; reader+writer if nothing is said, or what an organisation has delegated",
        "その人ができること。指定しなければ reader+writer、機関の人なら委任された役割",
    ),
    ("Reads, deposits, and changes who is a member", "見る・預ける・メンバーを変える"),
    ("Reads", "見る"),
    ("Deposits, and cannot open anything", "預けるだけで、何も開けられない"),
    ("Reads and deposits", "見る・預ける"),
    (
        "Do not let the organisation begin new keys by itself when somebody leaves it: an admin has to do it then",
        "機関を離れる人がいても、機関だけで鍵を新しくすることを認めません。鍵は管理者が新しくします",
    ),
    (
        "Let an organisation that reads this safe begin new keys by itself when somebody leaves it, or end that",
        "この金庫を見られる機関が、離れる人がいたときに管理者なしで鍵を新しくできるようにします。または、やめさせます",
    ),
    (
        "A member who acts for the organisation; with --end also the first digits of the key that may begin new keys",
        "その機関の人の名前。--end を付けるときは、鍵を新しくできる鍵の先頭の桁でも指定できます",
    ),
    ("End it: from then on, an admin begins new keys", "やめさせます。以後、鍵は管理者が新しくします"),
    ("Let the person open what was kept before, too", "これまでに預けたものも開けられるようにします"),
    (
        "List the members: people, what they may do, since when, and their machines",
        "メンバーの一覧。誰が、いつから、何をできるか",
    ),
    (
        "Change what a member may do; whoever may no longer read opens nothing from then on",
        "メンバーの役割を変えます。見られなくなった人は、それ以降のものを開けられません",
    ),
    ("The member: what the person is called, or the first digits of a key", "メンバー。名前か、鍵の先頭の数桁"),
    ("What the person may do from now on", "これからその人ができること"),
    (
        "Let a person who could not read until now open what was kept before, too",
        "これまで見られなかった人に、以前のものも開けられるようにします",
    ),
    (
        "Remove a member with all of that person's machines: nothing kept from then on can be opened by them",
        "メンバーを、その人のコンピューターごと外します。それ以降に預けるものは開けられません",
    ),
    (
        "Let a member who reads open what was kept before that person came, too",
        "見る権限のあるメンバーが、加わる前に預けたものも開けられるようにします",
    ),
    (
        "Only this machine of the person, as `hizo space members` names it",
        "その人のこのコンピューターだけ。`hizo space members` の表示どおりに書きます",
    ),
    (
        "Where the proposal moves the safe: sign it although the keeper so far is gone, or does not tell the truth",
        "金庫を移す提案で、今の預け先がなくなったか信用できないとき、それでも署名する",
    ),
    (
        "Where the proposal moves the safe: the file to write, for whoever proposed it, who finishes the move with it",
        "金庫を移す提案で、提案した人が移転を済ませるために返すファイル",
    ),
    (
        "Where two admins change the safe: what the second one has signed with `hizo space agree`; it finishes the move",
        "変更に管理者2人が必要な金庫で、もう1人が `hizo space agree` で署名した答え。これで移転を済ませる",
    ),
    (
        "Where two admins change the safe: the file to write, for another admin to look at and sign",
        "変更に管理者2人が必要な金庫で、別の管理者が確かめて署名するために書き出すファイル",
    ),
    (
        "Say how many admins sign whatever changes the safe: its members, roles, keys, cards; with a number, change that",
        "金庫の変更（メンバー・役割・鍵・カード）に必要な管理者の人数。数字を付けると変えます",
    ),
    (
        "How many from now on; either way, two admins agree on it",
        "これから必要な人数。増やすにも減らすにも、管理者2人が同意します",
    ),
    ("Each admin by himself", "管理者1人で変更できる"),
    ("Two of them", "管理者2人が署名する"),
    (
        "Look at what another admin proposes, and sign it as the second one: then it is done",
        "別の管理者の提案を確かめ、2人目として署名します。それで変更が済みます",
    ),
    (
        "Remove whom you prepared to remove, once the time has come; asks for nothing when nothing is due",
        "時刻の来た「外す」指示を実行します。何もなければ、何も尋ねません",
    ),
    (
        "Prepare it: nobody hears of it before this time, like 2027-03-31T18:00+09:00; then `hizo space due` does it, or any command that has the passphrase in a file",
        "準備だけします。この時刻（例 2027-03-31T18:00+09:00）まで誰にも知られません。時刻が来たら `hizo space due` か、--passphrase-file を付けたコマンドが実行します",
    ),
    ("List what is prepared", "準備したものの一覧"),
    (
        "Withdraw what is prepared: the id that --prepared shows",
        "準備を取り消します。--prepared で表示される番号を指定します",
    ),
    (
        "Your identity file of another safe: you have the same passphrase here, and nobody who knows one safe learns of the other",
        "別の金庫で使っている自分の鍵ファイル。パスフレーズも同じになります。片方の金庫を知る人にも、もう片方は分かりません",
    ),
    ("The proposal", "提案のファイル"),
    ("Sign without asking, once you have looked at it", "内容を確かめたあとで、尋ねずに署名します"),
    ("Say what it would do, and sign nothing", "何が変わるかを示すだけで、署名しません"),
    ("Why; the other members can read it", "理由。ほかのメンバーが読めます"),
    ("Say what the member can have read, and remove nobody", "その人が見られたものを表示するだけで、外しません"),
    (
        "Bring what an organisation signed to take a delegation back: from this record on, whatever that person adds is refused",
        "機関が署名した委任の取り消しを記録します。以後、その人が追加するものは受け付けません",
    ),
    ("The revocation that the organisation sent", "機関から届いた取り消しのファイル"),
    (
        "Say the last record in eight words: two people who hear the same ones see the same safe",
        "最後の記録を8語で表します。2人が同じ言葉を聞けば、同じ金庫を見ています",
    ),
    // office
    (
        "Act as an organisation: make its key and card, say who acts for it in which safe, and take that back",
        "機関として行います。機関の鍵とカードの作成、誰がどの金庫で機関の人になるかの委任、その取り消し",
    ),
    (
        "Make the key of an organisation in the home of its own safe, and the card by which others know it",
        "機関自身の金庫のフォルダーに、機関の鍵と、ほかの人に示す機関カードを作ります",
    ),
    ("What the organisation is called", "機関の名前"),
    ("What it is called in Japanese, if that differs", "日本語での名前（異なる場合）"),
    (
        "Show the organisation's card: its names and the ten words of its key; with --to, write it down for others",
        "機関カード（名前と、鍵を表す10語）を表示します。--to を付けると、ほかの人に渡すファイルに書きます",
    ),
    ("The file to write the card to, to be sent", "機関カードを書き出すファイル"),
    (
        "Delegate somebody who asks to join another safe for the organisation, or whose delegation ends soon",
        "機関の人として別の金庫に加わる人、または委任の期限が近い人に、委任します",
    ),
    ("The request of the person, who is a member of this safe", "その人の参加願。この金庫のメンバーであること"),
    ("The most that the person may do there", "その人が相手の金庫でできること（上限）"),
    ("For so many days from now", "今から何日間か"),
    ("The file to write, to be sent to an admin of that safe", "書き出すファイル。相手の金庫の管理者に送ります"),
    (
        "List who acts for the organisation, in which safes and until when",
        "誰が、どの金庫で、いつまで機関の人かの一覧を表示します",
    ),
    (
        "Take back what whoever has left was delegated, and begin new keys wherever the organisation reads",
        "機関を離れた人への委任を取り消し、機関が見られるすべての金庫の鍵を新しくします",
    ),
    (
        "Begin new keys for all who read this safe, as after a machine was lost or an organisation has new keys",
        "この金庫を見られる全員の鍵を新しくします。コンピューターをなくしたときや、機関の鍵が新しくなったときに使います",
    ),
    (
        "Take a delegation back: write what ends it, to be brought to that safe by any member",
        "委任を取り消します。取り消しのファイルを書き、相手の金庫のメンバーに記録してもらいます",
    ),
    (
        "The key, or its first digits, as `hizo office list` shows it",
        "鍵、またはその先頭の桁。`hizo office list` の表示どおりに書きます",
    ),
    ("The file to write, to be sent to a member of that safe", "書き出すファイル。相手の金庫のメンバーに送ります"),
    // directory
    ("The directory of organisations: install it, look into it, publish one", "機関の名簿を取り込み、調べ、発行します"),
    (
        "Install the directory of organisations, or the next one, with the proof that it is logged",
        "機関の名簿、またはその次の号を、台帳にあることの証明とともに取り込みます",
    ),
    ("The directory", "名簿のファイル"),
    ("The proof that came with it, as ZIP", "名簿に付いてきた証明（ZIP）"),
    (
        "Hand a directory of organisations out, with the proof that it is logged",
        "機関の名簿を、台帳にあることの証明とともに配ります",
    ),
    (
        "The directory; where some came between it and the installed one, those first, in order",
        "名簿のファイル。取り込み済みのものとの間にほかの号があれば、それらを先に、順に指定",
    ),
    (
        "The proof that came with it, the last one: its folder, or its ZIP",
        "最後の名簿に付いてきた証明（フォルダーか ZIP）",
    ),
    (
        "Fetch the next directories from the keeper, and install the newest",
        "次の名簿を預け先から受け取り、最新のものを取り込みます",
    ),
    (
        "Whose logs and witnesses you trust, where that is another file than at the last time",
        "信頼する台帳と立会人の一覧（前回と違うファイルの場合）",
    ),
    (
        "Root certificates, as PEM, of the authorities whose stamps you trust, where that is another file than at the last time",
        "信頼する時刻認証局のルート証明書、PEM 形式（前回と違うファイルの場合）",
    ),
    (
        "Whose logs and witnesses you trust; not from who sent the directory",
        "信頼する台帳と立会人の一覧。名簿の送り主からではなく、別に受け取ったもの",
    ),
    (
        "Root certificates, as PEM, of the authorities whose stamps you trust; not from who sent the directory",
        "信頼する時刻認証局のルート証明書（PEM）。名簿の送り主からではなく、別に受け取ったもの",
    ),
    (
        "The publisher's key, for the first directory; not from who sent it",
        "発行者の鍵のファイル（最初の名簿のとき）。名簿の送り主からではなく、別に受け取ったもの",
    ),
    (
        "Show the installed directory: its number, until when it is good, and every organisation",
        "取り込んだ名簿の号、期限、すべての機関を表示します",
    ),
    (
        "Find organisations of the installed directory by a part of their names",
        "取り込んだ名簿から、名前の一部で機関を探します",
    ),
    ("A part of the name, in either language", "名前の一部（どちらの言語でも）"),
    (
        "Make the next directory out of a file of entries, and sign it",
        "項目のファイルから次の号の名簿を作り、署名します",
    ),
    (
        "The entries, six lines for each organisation, as docs/spec/directory.md shows; a sample without them is the one that comes along",
        "項目のファイル。機関ごとに6行で、docs/spec/directory.md のとおりに書きます。見本のときに省くと、付属の見本になります",
    ),
    ("The made-up one that comes along, to be looked at", "付属の作りものの見本を表示します"),
    ("A directory to be looked at: nothing is sealed by it", "見本の名簿。これによって封をすることはできません"),
    (
        "The file to write the directory to, to be deposited, proved and published",
        "名簿を書き出すファイル。預けて証明を作り、公開します",
    ),
    // consent
    (
        "Consent, for the company, that exactly these items go to one other organisation",
        "会社として、指定した資料だけを別の機関に渡すことに同意します",
    ),
    (
        "Print the key by which a consent names you as its receiver",
        "同意の受け取り先として指定してもらうための鍵を表示します",
    ),
    (
        "Sign a consent in the case; it is shown as the receiver will see it",
        "相談の金庫で同意に署名します。受け取り先に見える形で表示します",
    ),
    (
        "What may be handed over: a deposit as in `hizo restore`, or one path in it: DEPOSIT//PATH",
        "渡してよいもの。`hizo restore` と同じ預け入れの指定か、その中の1つ（預け入れ//パス）",
    ),
    (
        "The receiver's key, as `hizo consent key` prints it there; check it by another way than it came",
        "受け取り先の鍵。相手の `hizo consent key` の表示です。届いたのとは別の方法で確かめてください",
    ),
    ("What the receiver is called", "受け取り先の名前"),
    ("What the receiver may use it for", "受け取り先が使ってよい目的"),
    (
        "How much may be known: A technique, B facts without your name, C with your name, D with evidence",
        "明かしてよい範囲。A 手口だけ、B 会社名を伏せた事実、C 会社名あり、D 証拠あり",
    ),
    ("What your company is called; for level C and D", "会社名。段階 C と D で指定します"),
    ("To whom the receiver may pass it on, as TLP 2.0 says", "受け取り先がさらに共有してよい範囲（TLP 2.0）"),
    ("Let the sender go on reading what was handed over", "渡す側が、引き渡したあとも見られるようにします"),
    (
        "The last day in Japan on which it may be opened, YYYY-MM-DD, or the last second",
        "開封してよい最後の日（日本時間、YYYY-MM-DD）、または最後の秒",
    ),
    (
        "Show what the receiver would see of items, with every trace of a name in it; nothing is signed",
        "受け取り先に見えるものと、その中に会社名などの跡があれば全部を表示します。署名はしません",
    ),
    (
        "A name, or another mark such as the day of founding, that must not be known at level A and B; as often as needed",
        "段階 A と B で知られてはならない名前や、創業日などの目印。何度でも指定できます",
    ),
    (
        "A file that may be handed over although it tells such a name, or cannot be looked into: DEPOSIT//PATH",
        "名前が分かっても、または中を確かめられなくても渡してよいファイル（預け入れ//パス）",
    ),
    (
        "Take a consent back: what was not accepted by then is not opened any more",
        "同意を取り消します。まだ受領されていないものは、以後開けられません",
    ),
    ("The consent: the first digits of its hand-over", "同意。引き渡しの番号の先頭の桁"),
    (
        "Your home of the hand-over, if you have entered it: the receiver's client learns it there",
        "引き渡しに入っているなら、そのフォルダー。受け取り先にはそこで伝わります",
    ),
    ("Why; the others can read it", "理由。ほかの人も読めます"),
    // hand-over
    (
        "Hand items of a case over to another organisation, receive them, and see how far it has come",
        "相談の資料を別の機関に引き渡す・受け取る・進み具合を見る",
    ),
    (
        "Make the safe of a hand-over, with exactly what the company consented to, sealed anew",
        "会社が同意した資料だけに封をし直し、引き渡し用の金庫を作ります",
    ),
    (
        "The consent: the first digits of its hand-over, as `hizo hand-over status` shows them",
        "同意。`hizo hand-over status` に表示される番号の先頭の桁",
    ),
    ("The folder to make: your home of the hand-over", "作るフォルダー。引き渡しの金庫に使います"),
    (
        "Enter, as the company, the safe of a hand-over that you consented to, and seal what the sender cannot open",
        "会社として、同意した引き渡しの金庫に入り、渡す側が開けられない資料に封をし直します",
    ),
    ("The invite that the sender sent", "渡す側から届いた招待状"),
    (
        "Let the receiver in, once every item is there, and leave: what was handed over is on its way",
        "資料が揃ったら受け取り先を入れ、自分は抜けます",
    ),
    ("The receiver's request", "受け取り先の参加願"),
    ("Your home of the hand-over", "引き渡しの金庫のフォルダー"),
    (
        "Check the company's consent, note that you open, and list what was handed over to you",
        "会社の同意を確かめ、開いたことを記録し、引き渡された資料を一覧します",
    ),
    (
        "Answer, as the receiver: only this ends \"not delivered\"",
        "受け取り先として回答します。回答があって初めて「届いた」ことになります",
    ),
    ("What you answer", "どう回答するか"),
    ("You take it over", "受領する"),
    ("You do not", "受領しない"),
    ("You need more", "資料が足りない"),
    ("Your own number for it; needed to accept", "そちらの受領番号。受領するときに必要です"),
    (
        "Why you do not take it, or what is missing; needed for both",
        "受領しない理由、または足りないもの。どちらの場合も必要です",
    ),
    ("Say how far each hand-over of a case has come", "相談の引き渡しごとに、進み具合を表示します"),
    (
        "Attest, as one of two of the staff, a consent that was given on a printed form: each types what he has read there",
        "印刷した用紙での同意を、職員2人のうちの1人として確認します。2人がそれぞれ、用紙で読んだ内容を入力します",
    ),
    ("The deposit that holds the form's scan", "用紙を読み取った画像の預け入れ"),
    ("The other of the two, who attests the same", "同じことを確認する、もう1人"),
    ("Who may receive", "受け取ってよい相手"),
    (
        "How much may be known: A technique, B facts without the company's name; no more on paper",
        "知らせてよい範囲: A 手口、B 会社名を除く事実。書面ではここまでです",
    ),
    ("Who was called back at the company, and how", "会社の誰に、どの番号で折り返したか"),
    (
        "Until when it holds, 30 days at most: a day, or a time as YYYY-MM-DDThh:mm:ssZ",
        "いつまで有効か（最長30日）: 日付、または YYYY-MM-DDThh:mm:ssZ の時刻",
    ),
    (
        "Name, as the company, whom you suspect: to whoever receives, and to nobody else",
        "会社として、疑わしい人の名前を伝えます。受け取り先だけに伝わります",
    ),
    (
        "A file with the name in its first line; what else tells who it is may follow",
        "1行目に名前を書いたファイル。本人を特定できることを続けて書けます",
    ),
    (
        "Lay items of a case out, in the clear, in a folder that checks itself, with a printed index to be signed: for a receiver without hizo",
        "相談の資料を、封をせずに、自分で確かめられるフォルダーと署名用の目録にします。hizo のない相手に渡すときに使います",
    ),
    (
        "What is handed over: a deposit as in `hizo restore`, or one path in it: DEPOSIT//PATH",
        "渡すもの: `hizo restore` と同じ預け入れ、またはその中のパス（預け入れ//パス）",
    ),
    ("The folder to make, on a disk that you hand over", "作るフォルダー（渡す媒体の上）"),
    (
        "Write down that a printed hand-over was taken, with the receiver's own number",
        "書面での引き渡しが受け取られたことを、受領番号とともに記録します",
    ),
    ("The deposits of which it was", "渡した預け入れ"),
    ("His own number for it", "相手の受領番号"),
    ("Who took it, where", "誰が、どこで受け取ったか"),
    (
        "Your home of a hand-over: the receiver's answer there is carried into the case",
        "引き渡しの金庫のフォルダー。そこにある回答を相談に書き写します",
    ),
    // recovery
    (
        "Make, try and use the paper cards that open a safe whose keys are lost",
        "鍵をなくしたときに金庫を開ける、紙の復旧カードを作る・確かめる・使う",
    ),
    (
        "Make cards, of which some together open the safe, and an emergency card without secrets",
        "何枚かそろえば金庫を開けられるカードと、秘密のない緊急カードを作ります",
    ),
    (
        "Take all recovery cards out of use at once, and refuse whom they have let in",
        "すべての復旧カードを直ちに使えなくし、カードで加えられた人を拒みます",
    ),
    ("How many cards to make", "作る枚数"),
    ("How many of them open the safe together", "金庫を開けるのに必要な枚数"),
    ("Where to put the cards to print: a folder", "印刷用のファイルを置くフォルダー"),
    ("Make new ones in place of those that there are", "今あるカードの代わりに、新しく作ります"),
    (
        "Try the cards: say whether they open the safe, show nothing, and note that it was done",
        "カードで金庫を開けられるかを確かめ、確かめたことを記録します。中身は表示しません",
    ),
    (
        "A file with the words of one card, once for each card; without one they are asked for",
        "カード1枚の言葉を書いたファイル。カードごとに指定します。省くと、画面で尋ねます",
    ),
    (
        "Do not ask to be let in as an admin; reading leaves no trace",
        "管理者として加わることを求めません。読むだけなら跡は残りません",
    ),
    (
        "Open a safe whose keys are lost: make a new home of it, with a new identity that opens everything the cards open",
        "鍵をなくした金庫を開けます。カードで開けられるものをすべて開ける新しい鍵と、新しいフォルダーを作ります",
    ),
    (
        "The home folder to make beside the old one; it must not be there yet, or be empty",
        "元のフォルダーの隣に作る金庫のフォルダー。まだないか、空であること",
    ),
    (
        "The file beside an emergency card: the case begins at the keeper that it names, also where nothing else is left",
        "緊急カードと一緒に作られたファイル。その預け先で相談を始めます。ほかに何も残っていなくても使えます",
    ),
    (
        "The file beside the emergency card: brings the safe back from its keeper, into the folder of --home, where nothing is left",
        "緊急カードと一緒に作られたファイル。コンピューターを失っても、預け先から --home のフォルダーに金庫を取り戻します",
    ),
    ("A copy of your identity file, instead of cards", "カードの代わりに使う、鍵ファイルの控え"),
    ("What you call this machine, with --identity", "このコンピューターの呼び名（--identity のとき）"),
    (
        "Make this machine a member again: once whom the cards let in may act as an admin, so that it deposits",
        "カードで加えられた人が管理者になったあと、このコンピューターを登録し、預けられるようにします",
    ),
    // desk
    (
        "Open the desk: pages in this machine's own browser",
        "画面を開きます。このコンピューターのブラウザーだけで使えます",
    ),
    (
        "Further safes on this machine that can be unlocked there",
        "画面で開けられるようにする、このコンピューターのほかの金庫",
    ),
    (
        "The port on this machine's loopback; without it, any that is free",
        "このコンピューターの中だけで使うポート番号。指定しなければ空いているもの",
    ),
    ("Print the link, and open no browser", "リンクを表示するだけで、ブラウザーは開きません"),
    // witness
    (
        "Be a witness: cosign the logs of others as long as they go on",
        "立会人になり、ほかの人の台帳が続いていることに連署します",
    ),
    ("Make the keys of a new witness", "新しい立会人の鍵を作ります"),
    ("The witness's folder", "立会人のフォルダー"),
    ("What the witness is called, for example witness.example/1", "立会人の名前。例: witness.example/1"),
    ("Trust the key of a log from now on", "台帳の鍵を信頼することにします"),
    ("The log's verifier key, as `hizo log` shows it", "台帳の検証鍵。`hizo log` で表示されるもの"),
    ("Answer those who ask for cosignatures, until stopped", "止められるまで、連署を求める人に答えます"),
    ("Address and port to listen at, for example 127.0.0.1:7878", "待ち受けるアドレスとポート。例: 127.0.0.1:7878"),
    // try
    (
        "Go the whole round once, in a safe that is gone afterwards",
        "預けて取り出すまでをひと通り試します。終わると跡は残りません",
    ),
    (
        "The folder to go round with; without one, a small manufacturer's secrets that come along",
        "試しに使うフォルダー。省くと、付属の見本（小さな製造会社の秘密）を使います",
    ),
    ("Leave everything behind in this folder, to look at", "すべてをこのフォルダーに残し、後から見られるようにします"),
    (
        "Set up a whole small world in this folder instead: a keeper, a company, a centre, specialists, a rescue team and police",
        "代わりに、預け先、会社、相談窓口、専門官、レスキュー隊、警察のそろった小さな見本を、このフォルダーに作ります",
    ),
    (
        "Do not keep the keeper of that world running; the line that starts it is printed",
        "その見本の預け先を動かしたままにしません。動かすためのコマンドは表示します",
    ),
    // case paper
    ("The file to write", "書き出すファイル"),
    (
        "Print a paper of a case as a PDF, in Japanese and English: what stands in the case, and lines for what a hand adds",
        "相談の書面を、日本語と英語の PDF にします。相談に記録されたことと、手書きの欄が載ります",
    ),
    ("Which paper", "書面の種類"),
    ("The consultation record", "相談の記録"),
    ("The advice sheet", "助言の書面"),
    ("The consent form", "同意の書面"),
    ("The custody slip", "証拠の受け渡し票"),
    ("The rescue team's report", "レスキュー隊の報告書"),
    (
        "The hand-over whose consent it is of, at least six digits; without one, a form to be filled in by hand",
        "どの引き渡しの同意か（6桁以上）。省くと、手で書き込む用紙になります",
    ),
    // case thing
    (
        "Say in whose hands a thing is: a laptop, a disk, whatever is no file",
        "パソコンやディスクなど、ファイルでないものが誰の手にあるかを記録します",
    ),
    (
        "The number on its tag, at least its first digits; without one, a new thing",
        "札の番号（はじめの数桁でも可）。省くと、新しい物を加えます",
    ),
    ("What it is, with its own number", "品名と製造番号"),
    ("Who has it from now on: a role, or a body", "これから持つ人（役職や機関の名前）"),
    ("Where it lies, and in what state", "保管場所と状態"),
    ("Who saw that", "立ち会った人"),
    ("Tags for things in custody", "保管している物に付ける札"),
    // case sides
    (
        "Compare who asks, and against whom, with your organisation's other cases: it helps only one side",
        "相談者と相手方を、機関のほかの相談と照合します。お手伝いできるのは一方だけです",
    ),
    (
        "A file that names them, a line each: `asks NAME` or `against NAME`. Without it: how the case stands",
        "名前を書いたファイル。1行に1つ、`asks 名前`（相談者）か `against 名前`（相手方）。省くと、今の状態を表示します",
    ),
    (
        "Your home of the organisation's own safe, where this case does not say which it is",
        "機関の金庫のフォルダー（この相談から分からないとき）",
    ),
    // completions, man
    (
        "Print the script that completes hizo's commands in a shell",
        "シェルで hizo の入力を補完するスクリプトを出力します",
    ),
    ("Which shell", "シェルの種類"),
    ("Print the manual page of a command", "コマンドのマニュアルページを出力します"),
    (
        "The command, such as `watch install`; the program itself if none is named",
        "コマンド（`watch install` など）。省くと hizo 全体のページを出力します",
    ),
    (
        "Write the pages of all commands into this folder instead",
        "代わりに、全コマンドのページをこのフォルダーに書き込みます",
    ),
];

/// The Japanese of an English help line.
fn japanese(english: &str) -> Option<&'static str> {
    HELP.iter().find(|(known, _)| *known == english).map(|(_, japanese)| *japanese)
}

/// Commands that the first page of help names in its last lines, so that it fits a screen.
const NAMED_LAST: [&str; 15] = [
    "desk",
    "case",
    "send",
    "space",
    "move",
    "consent",
    "hand-over",
    "office",
    "directory",
    "recovery",
    "log",
    "keeper",
    "witness",
    "man",
    "completions",
];

/// The command line as a person meets it, with a first page that fits a screen.
pub(crate) fn speak_to_person(command: Command, language: Language) -> Command {
    NAMED_LAST
        .iter()
        .fold(speak(command, language), |command, name| command.mut_subcommand(name, |last| last.hide(true)))
}

/// The command line with its help in this language.
pub(crate) fn speak(command: Command, language: Language) -> Command {
    let help = Arg::new("help").short('h').long("help").action(ArgAction::Help).global(true).help("Print help");
    let version = Arg::new("version").short('V').long("version").action(ArgAction::Version).help("Print version");
    let command = command.disable_help_flag(true).disable_version_flag(true).arg(help).arg(version);
    // What stands in the environment is the person's own business on a screen that others may see.
    let command = command.mut_args(|arg| arg.hide_env_values(true));
    match language {
        Language::English => command
            .mut_args(|arg| match arg.is_global_set() {
                true => arg.help_heading("Options of every command"),
                false => arg,
            })
            .help_template(format!("{{about}}\nUsage: {{usage}}\n\nCommands:\n{{subcommands}}\n\n{OPTIONS}")),
        Language::Japanese => speak_japanese(command)
            .help_template(format!("{{about}}\n使い方: {{usage}}\n\nコマンド:\n{{subcommands}}\n\n{OPTIONS_JAPANESE}")),
    }
}

fn speak_japanese(command: Command) -> Command {
    let about = command.get_about().and_then(|about| japanese(&about.to_string()));
    let command = match about {
        Some(about) => command.about(about),
        None => command,
    };
    command
        .help_template("{about-with-newline}\n使い方: {usage}\n\n{all-args}{after-help}")
        .subcommand_help_heading("コマンド")
        .mut_args(|arg| {
            let heading = match (arg.is_positional(), arg.is_global_set()) {
                (true, _) => "引数",
                (_, true) => "すべてのコマンドで使えるオプション",
                (_, false) => "オプション",
            };
            let help = arg.get_help().and_then(|help| japanese(&help.to_string()));
            let arg = arg.help_heading(heading);
            match help {
                Some(help) => arg.help(help),
                None => arg,
            }
        })
        .mut_subcommands(speak_japanese)
}

/// What was not understood, in the form of every other failure: what happened, and what to do next.
pub(crate) fn misunderstood(error: &clap::Error) -> (Words, Words) {
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => text.clone(),
        Some(ContextValue::Strings(texts)) => texts.join("、"),
        _ => String::new(),
    };
    let (arg, value) = (text(ContextKind::InvalidArg), text(ContextKind::InvalidValue));
    let english = error.to_string();
    let english = english.strip_prefix("error: ").unwrap_or(&english);
    let english = english.split("\n\n").next().unwrap_or_default().trim_end().to_owned();
    let japanese = match error.kind() {
        ErrorKind::MissingRequiredArgument => format!("必要な指定がありません: {arg}"),
        ErrorKind::UnknownArgument => format!("{arg} という指定はありません"),
        ErrorKind::InvalidSubcommand => format!("{} というコマンドはありません", text(ContextKind::InvalidSubcommand)),
        ErrorKind::MissingSubcommand | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            "コマンドが指定されていません".to_owned()
        }
        ErrorKind::InvalidValue if value.is_empty() => format!("{arg} には値が必要です"),
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => format!("{arg} に「{value}」は指定できません"),
        ErrorKind::ArgumentConflict => format!("{arg} は、ほかの指定と同時には使えません"),
        ErrorKind::InvalidUtf8 => "文字として読めない指定があります".to_owned(),
        _ => format!("指定の数が合いません: {arg}"),
    };
    let suggested = [ContextKind::SuggestedSubcommand, ContextKind::SuggestedArg, ContextKind::SuggestedValue];
    let hint = match suggested.map(text).concat() {
        none if none.is_empty() => words!("Run it with --help.", "--help を付けると、使い方を表示します。"),
        one => Words::both(
            format!("Did you mean {}? Run it with --help.", one.replace('、', ", ")),
            format!("{one} のことですか。--help を付けると、使い方を表示します。"),
        ),
    };
    (Words::both(english, japanese), hint)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use clap::CommandFactory as _;

    use super::*;

    fn collect(command: &Command, found: &mut BTreeSet<String>) {
        found.extend(command.get_about().map(ToString::to_string));
        for arg in command.get_arguments() {
            found.extend(arg.get_help().map(ToString::to_string));
            let values = arg.get_possible_values();
            found.extend(values.iter().filter_map(|value| Some(value.get_help()?.to_string())));
        }
        command.get_subcommands().for_each(|command| collect(command, found));
    }

    fn spoken() -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        collect(&speak(crate::Arguments::command(), Language::English), &mut found);
        found
    }

    #[test]
    fn every_help_line_has_japanese() {
        let missing: Vec<_> = spoken().into_iter().filter(|english| japanese(english).is_none()).collect();
        assert!(missing.is_empty(), "give these help lines their Japanese in words/help.rs: {missing:#?}");
    }

    #[test]
    fn no_japanese_is_kept_for_a_help_line_that_is_gone() {
        let spoken = spoken();
        let idle: Vec<_> = HELP.iter().filter(|(english, _)| !spoken.contains(*english)).collect();
        assert!(idle.is_empty(), "no command says these any more: {idle:#?}");
    }

    #[test]
    fn japanese_is_japanese_and_english_is_one_imperative_line() {
        for (english, japanese) in HELP {
            assert!(japanese.chars().any(|c| ('\u{3040}'..='\u{30ff}').contains(&c)), "{japanese} has no kana");
            assert!(!english.ends_with('.') && !english.contains('\n'), "{english}");
        }
    }
}
