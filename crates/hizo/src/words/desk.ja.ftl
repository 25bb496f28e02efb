# 画面の日本語。英語は desk.en.ftl にあり、二つが揃っていることを試験で確かめる。

## どの画面にも
skip-to-main = 本文へ
menu = メニュー
lock = 鍵をかける
same-command = コマンドでは:
back-to-safe = 金庫に戻る
cancel = やめる
door-safe = 金庫
door-verify = 証明を確かめる

## 入口
unlock-title = 金庫を開けます
unlock-lead = ここに表示するものは、このコンピューターの外には出ません。
unlock-which = どの金庫ですか
passphrase = パスフレーズ
unlock-act = 開ける
unlock-wrong = パスフレーズが違います。大文字・小文字と、日本語入力が切れていることを確かめて、もう一度入力してください。
unlock-idle = 15分間操作がないと、ひとりでに鍵がかかります。
begin-another = 別の金庫を作る
begin-title = 金庫を作ります
begin-lead = 人に見せられないものを預かり、それを持っていたこと、いつから持っていたかを後から証明します。
begin-name = 会社名
begin-name-hint = この名前は、あなたが招いた人にだけ見えます。
begin-passphrase = パスフレーズ
begin-passphrase-hint = 12文字以上。忘れると、私たちを含めて誰にも調べられず、作り直しもできません。紙に書き、このコンピューターとは別の場所に保管してください。
begin-drawn = 推測されにくい例:
begin-again = パスフレーズをもう一度
begin-act = 作る
begin-where = 作る場所は { $folder } です。
begin-fault-name = 会社名を60文字以内で入力してください。
begin-fault-short = パスフレーズは12文字以上にしてください。
begin-fault-differs = 二つのパスフレーズが違います。どちらも入力し直してください。

## 金庫
safe-lead = 束 { $series } 件、預け入れ { $deposits } 回
safe-empty-title = まだ何も預かっていません
safe-empty = フォルダーを選んでください。図面、配合表、顧客名簿など。このコンピューターの中で封をしてから預かります。元のフォルダーはそのままです。
safe-empty-example = 例: 製品ひとつの図面のフォルダーを、毎日一回。
keep-folder = フォルダーを預ける
keep-first = 最初のフォルダーを選ぶ
keep-next = 次の回を預ける
series = 束
newest-deposit = 最新の預け入れ
files = ファイル
size = 大きさ
state = 状態
name = 名前
changed = 更新日時
number = 回
acts = できること
when = 日時
label = メモ
added = 増えた分
deposit-at = 第 { $number } 回 { $time }
page-of = { $all } ページ中 { $number }
page-before = 前へ
page-after = 次へ
note-away = 預け先につながりません。このコンピューターが前回までに知ったことを表示しています。
note-unreadable = 読めない記録が { $count } 件あります。何が足りず、どこに戻せばよいかは「hizo check」で分かります。
note-before = あなたが加わる前の預け入れが { $count } 回分あります。開ける鍵は管理者に頼めます。

## 束と預け入れ
series-lead = 預け入れ { $count } 回
series-timeline = これまでの預け入れ
deposit-title = 第 { $number } 回の預け入れ
deposit-of = { $series } 第 { $number } 回
files-count = { $count } ファイル
contents = 中身の一覧
contents-top = すべて
and-more = ほかに { $count } 件あります。
entry-unsteady = 読み取り中に変わりました
prove-this = 証明する
restore-this = 取り出す
pill-waiting = 送信待ち
pill-waiting-says = このコンピューターで封をしてあります。預け先につながりしだい送ります。
pill-no-receipt = 受領書なし
pill-no-receipt-says = 正しい受領書がありません。預け先に問い合わせてください。
pill-kept = 預かり済み
pill-kept-says = 預け先が受け取りました。一日以内に記録されます。
pill-recorded = 記録済み
pill-recorded-says = 記録されました。時刻証明はこれからです。
pill-self = 自己記録
pill-self-says = 預け先自身の時刻で記録されています。第三者はまだ確認していません。
pill-proved = 証明済み
pill-proved-says = いつからあったかを、第三者が確認しています。
step-kept = 預かり済み
step-kept-at = { $time }
step-kept-twice = { $time } 二か所に保管
step-recorded = 記録
step-recorded-as = 記録番号 { $number }
step-witnessed = 立会い
step-witnesses = 立会人 { $count } 名
step-nobody-asked = 依頼していません
step-time = 時刻証明
step-time-by = { $time } 第三者
step-time-self = { $time } 預け先自身
step-not-yet = まだです
sentence-waiting = このコンピューターで封をしてあります。預け先につながったときに送ります。
sentence-kept = { $count } ファイルを預かっています。いつからあったかは、まだ誰も確認していません。
sentence-self = { $count } ファイルを預かっています。遅くとも { $time } というのは預け先自身の申告です。第三者に確認してもらうには、時刻証明の事業者を登録してください。
sentence-proved = この { $count } ファイルが、遅くとも { $time } に、いまと一字一句同じ形で存在したことを、誰にでも示せます。
seal-proved = 証明
seal-self = 自己記録

## 預ける
keep-title = フォルダーを選びます
keep-lead = 中にあるものを、今の形のまま封をして預かります。フォルダーは変わりません。
keep-series = 束
keep-series-hint = ひとつの秘密の積み重ねです。同じフォルダーの次の回は、同じ束に入れます。
keep-label = メモ（なくてもかまいません）
keep-label-hint = なぜ今か、何が新しいか。これにも封をします。
keep-act = 「{ $folder }」を預ける
picker-above = 上のフォルダー
picker-none = この中にフォルダーはありません。
picker-more = フォルダーが多いため、一部だけ表示しています。下に場所を入力してください。
picker-files = この中に直接あるファイルは { $count } 件です。
picker-type = 場所を入力する:
picker-go = 開く
work-begins = フォルダーの中を調べています…
work-done = { $total } のうち { $done }
work-rate = 毎秒 { $bytes }
left-seconds = 残り { $count } 秒
left-minutes = 残り { $count } 分
left-hours = 残り { $count } 時間
work-goes-on = この画面を閉じても続きます。
work-noted = 終わりました。お読みください
work-show = 見る

## 取り出す
restore-title = 取り出します
restore-lead = 新しいフォルダーに並べ、預けたときと同じかを確かめます。今あるものを上書きすることはありません。
restore-to = 新しいフォルダー
restore-to-hint = まだないフォルダーか、空のフォルダーを指定してください。
restore-act = 取り出す
only-this = これだけ: { $name }
all-of-it = すべて: { $count } ファイル

## 証明する
prove-title = 証明を作ります
prove-lead = 人に渡すためのフォルダーです。選んだことだけを示し、ほかは見せません。受け取った人は hizo がなくても確かめられます。
prove-act = 証明を作る
prove-show = 示すこと
prove-content = 中身が同じであること
prove-names = 名前、大きさ、日付
prove-complete = この預け入れにほかのものがないこと（ほかのものは隠したまま）
prove-to = 新しいフォルダー
prove-to-hint = この中のものは、人に渡すためのものです。
prove-folder = 証明 { $deposit }
proof-title = 証明ができました
proof-in = { $folder } にあります。
proof-certificate = 証明書を開く
proof-holds = 遅くとも { $time } には保持され、以後変わっていません。{ $before } までに再確認または更新が必要です。
proof-self = 預け先自身の時刻 { $time } で保持されています。第三者はまだ確認していません。
proof-no-time = 保持されています。時刻はまだ誰も確認していません。
proof-shows = { $count } 件を示しています。
proof-hand-on = 渡すとき
proof-hand-on-how = フォルダーをまるごと渡してください。証明書は印刷してもかまいません。確かめ方は、中の README.md に日本語と英語で書いてあります。
proof-stock = たとえば、そのフォルダーで:

## 確かめる
verify-lead = 人から届いた証明です。そのフォルダーを選んでください。金庫は要りません。どこにも送りません。
verify-which = どこにありますか
verify-act = 「{ $folder }」を確かめる
verify-steps = 確かめたこと
verify-trust = あなたが信頼するもの
verify-trust-hint = 証明の送り主からではなく、信頼できる人から受け取ってください。ないときは、証明に矛盾がないかどうかだけが分かります。
verify-policy = 誰の記録と立会人を信頼するかを書いたファイル
verify-roots = 信頼する時刻証明の事業者の証明書
verify-file = 示されたものと比べるファイル
verify-bring = 下の「あなたが信頼するもの」に、信頼できる人から受け取ったものを指定すると、判断できます。
verify-ask = 第三者が時刻を確認した証明を求めてください。
verify-holds = 正しい証明です
verify-cannot-tell = 言い切れません
verify-does-not-hold = 正しくありません

## うまくいかないとき
failed-fixable = うまくいきませんでした
failed-false = 正しくありません
failed-unknown = 確かめられません
failed-lying = 止まってください。前と違っています
failed-waits = 待っています
failed-internal = hizo の不具合です
